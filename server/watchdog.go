package server

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// watchdog ends a connection whose client takes too long to send connect, or sends nothing for too long after it.
type watchdog struct {
	mu    sync.Mutex // guards timer and ended
	timer *time.Timer
	ended bool

	seen  uint64 // bytes received at the last check
	quiet int    // consecutive checks without new bytes
}

// silenceChecks is the number of checks in each Server.IdleTimeout. With four, a connection ends late by at most a quarter of the timeout.
const silenceChecks = 4

// start arranges for f to be called after d. It cancels the call that was arranged before, if there is one.
func (w *watchdog) start(d time.Duration, f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if !w.ended && d > 0 {
		w.timer = time.AfterFunc(d, f)
	}
}

// stop cancels the call that was arranged.
func (w *watchdog) stop() { w.start(0, nil) }

// end is like stop, but also prevents later calls of start from having an effect.
func (w *watchdog) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.stop()
}

// limitSilence ends s when the client has sent nothing for limit, and pings the client after half of that time. If limit is 0, it does
// nothing.
func (w *watchdog) limitSilence(s *session.Session, limit time.Duration) {
	w.start(limit/silenceChecks, func() { w.check(s, limit) })
}

func (w *watchdog) check(s *session.Session, limit time.Duration) {
	switch received := s.Counters().BytesRead.Load(); {
	case received != w.seen || s.Blocked() != nil: // while the reader is blocked, the client may have sent something
		w.seen, w.quiet = received, 0
	default:
		w.quiet++
	}
	switch w.quiet {
	case silenceChecks / 2:
		s.Reply(session.Event(message.EventPingRequest, uint32(time.Now().UnixMilli())))
		s.FlushReplies()
	case silenceChecks:
		s.Fail(&session.TimeoutError{What: "read", Hint: "IdleTimeout: the client is silent"})
		return
	}
	w.limitSilence(s, limit)
}
