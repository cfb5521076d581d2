package rtmp

import (
	"context"
	"net"
	"sync"

	"github.com/go-librtmp/rtmp/internal/session"
)

// life is a Conn's first error, and what ends with it. While there is a session, that has the error first and tells it here.
type life struct {
	ctx    context.Context // ends with the Conn
	cancel context.CancelFunc
	onEnd  func() // called with mu held

	mu      sync.Mutex // guards the rest
	err     error      // first fatal error: sticky
	dialed  net.Conn   // while no session has it
	session *session.Session
	owned   sync.WaitGroup // what Close joins
}

// Err is the error that ended the connection, nil while it lives.
func (l *life) Err() error {
	if l.ctx.Err() == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// fail makes err the Conn's error unless it has one, ends everything that waits, and returns the Conn's error.
func (l *life) fail(err error) error {
	l.mu.Lock()
	if s := l.session; s != nil {
		l.mu.Unlock()
		return s.Fail(err) // which calls sessionEnded
	}
	defer l.mu.Unlock()
	return l.end(err)
}

// end makes err the Conn's error unless it has one, and returns the Conn's error. The caller holds l.mu.
func (l *life) end(err error) error {
	if l.err != nil {
		return l.err
	}
	l.err = err
	if nc := l.dialed; nc != nil {
		l.owned.Go(func() { nc.Close() }) // tunnels and TLS take leave of the server, which may take a moment
	}
	l.cancel()
	l.onEnd()
	return err
}

// dials makes nc the Conn's until a session has it. It closes nc if the Conn has ended.
func (l *life) dials(nc net.Conn) error {
	l.mu.Lock()
	err := l.err
	if err == nil {
		l.dialed = nc
	}
	l.mu.Unlock()
	if err != nil {
		nc.Close()
	}
	return err
}

// begins makes s the Conn's session, on what dials was given.
func (l *life) begins(s *session.Session) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil { // else its connection is being closed
		l.dialed, l.session = nil, s
	}
	return l.err
}

// sessionEnded ends the Conn with s, unless s was given up. meaning is called with l.mu held, and says what err is to the program.
func (l *life) sessionEnded(s *session.Session, err error, meaning func(error) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != s {
		return err
	}
	return l.end(meaning(err))
}

// giveUp ends the session such that another can begin.
func (l *life) giveUp() {
	l.mu.Lock()
	s := l.session
	l.session = nil
	l.mu.Unlock()
	s.Close()
}

// join returns when everything that ends with the Conn has.
func (l *life) join() {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.Close()
	}
	l.owned.Wait()
}
