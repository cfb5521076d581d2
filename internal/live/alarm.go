package live

import (
	"sync"
	"time"
)

// alarm is a timer that a WaitGroup waits for.
type alarm struct {
	wg    *sync.WaitGroup
	timer *time.Timer
}

// newAlarm runs f after d, on a goroutine of its own. wg must not be at zero while somebody waits for it.
func newAlarm(wg *sync.WaitGroup, d time.Duration, f func()) *alarm {
	wg.Add(1)
	return &alarm{wg, time.AfterFunc(d, func() {
		defer wg.Done()
		f()
	})}
}

// stop keeps an alarm from going off, unless it has. It does not wait for f. A nil alarm is stopped.
func (a *alarm) stop() {
	if a != nil && a.timer.Stop() {
		a.wg.Done()
	}
}
