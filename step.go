package rtmp

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// steps ends the steps of connecting, such as a dial with its handshake, after Options.Timeout or when the Conn ends.
//
// There is at most one step at a time. All steps share one timer, which first goes off early and is not stopped between steps. Starting a
// timer wakes another thread, unless a timer that goes off sooner is running. Waking a thread can cost more than the step, and connecting
// also starts the timers of the socket's deadlines.
type steps struct {
	mu    sync.Mutex // guards the fields below
	timer *time.Timer
	step  *step // the present one; may be nil
	ended bool  // the Conn has ended
}

// begin begins a step that may take as long as limit; <= 0 means no limit. foreign says that code of the program receives the context. The
// context then has a timer of its own: only so do contexts that are derived from it end with DeadlineExceeded, too. The caller must call end.
func (a *steps) begin(parent context.Context, limit time.Duration, foreign bool) *step {
	s := &step{parent: parent}
	if foreign && limit > 0 {
		var cancel context.CancelFunc
		s.Context, cancel = context.WithTimeout(parent, limit)
		s.cancel = func(error) { cancel() }
	} else {
		s.Context, s.cancel = context.WithCancelCause(parent)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.step = s; {
	case a.ended:
		s.cancel(nil)
	case limit > 0 && !foreign:
		s.due = time.Now().Add(limit)
		a.checkAfter(min(limit, connectPatience))
	}
	return s
}

// checkAfter makes the timer call check. The caller holds a.mu.
func (a *steps) checkAfter(d time.Duration) {
	if a.timer == nil {
		a.timer = time.AfterFunc(d, a.check)
	} else {
		a.timer.Reset(d)
	}
}

// check ends the present step if its time is over.
func (a *steps) check() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended || a.step == nil || a.step.due.IsZero() {
		return
	}
	if left := time.Until(a.step.due); left > 0 {
		a.checkAfter(left)
	} else {
		a.step.cancel(context.DeadlineExceeded)
	}
}

// end ends the present step, when it is complete.
func (a *steps) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.step.cancel(nil)
	a.step = nil
}

// endAll is called when the Conn ends.
func (a *steps) endAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.step != nil {
		a.step.cancel(nil)
	}
	if a.timer != nil {
		a.timer.Stop()
	}
}

// step is the context of a step. It ends with its parent, when it is due, or with the Conn.
type step struct {
	context.Context
	cancel context.CancelCauseFunc
	parent context.Context
	due    time.Time // when steps.check ends it; zero means never
}

func (s *step) Deadline() (time.Time, bool) {
	due, bounded := s.Context.Deadline()
	if !s.due.IsZero() && (!bounded || s.due.Before(due)) {
		return s.due, true
	}
	return due, bounded
}

func (s *step) Err() error {
	if context.Cause(s.Context) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return s.Context.Err()
}

// failed returns the error of a step that has ended with err. It distinguishes a timeout of the caller's context from Options.Timeout.
func (s *step) failed(err error) error {
	if s.parent.Err() != nil {
		return s.parent.Err()
	}
	var timeout net.Error
	if s.Err() == context.DeadlineExceeded || errors.As(err, &timeout) && timeout.Timeout() {
		what := "no answer"
		if proxy := (*transport.ProxyError)(nil); errors.As(err, &proxy) && proxy.Addr != "" {
			what += " from " + proxy.Scheme + " " + proxy.Addr
		}
		return &session.TimeoutError{What: what}
	}
	return err
}
