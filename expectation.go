package rtmp

import "sync"

// expectation is a wait for a status: Play.Start, Seek.Notify, ...
type expectation struct {
	codes []string
	done  chan struct{}
	err   error
	once  sync.Once
}

func (e *expectation) finish(err error) {
	e.once.Do(func() {
		e.err = err
		close(e.done)
	})
}

func (e *expectation) finished() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}
