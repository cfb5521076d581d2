package live

import (
	"sync"
	"time"
)

// alarm is a timer. A WaitGroup counts it until its function has returned or the alarm is stopped.
type alarm struct {
	wg    *sync.WaitGroup
	timer *time.Timer
}

// newAlarm runs f after d on its own goroutine. wg's counter must not be zero if another goroutine waits for it.
func newAlarm(wg *sync.WaitGroup, d time.Duration, f func()) *alarm {
	wg.Add(1)
	return &alarm{wg, time.AfterFunc(d, func() {
		defer wg.Done()
		f()
	})}
}

// stop prevents f from being called, if it has not been called yet. It does not wait for f. A nil alarm may be stopped, too.
func (a *alarm) stop() {
	if a != nil && a.timer.Stop() {
		a.wg.Done()
	}
}
