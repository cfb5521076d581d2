package live

import (
	"sync"
	"time"
)

// alarm is a timer whose function a WaitGroup waits for.
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

// stop prevents an alarm from going off, unless it has already. It does not wait for f. It does nothing for a nil
// alarm.
func (a *alarm) stop() {
	if a != nil && a.timer.Stop() {
		a.wg.Done()
	}
}
