package session

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
)

// ErrClosed is the error of a Session that Close has ended.
var ErrClosed = fmt.Errorf("rtmp: %w", net.ErrClosed)

// lifetime is a connection's first error, and what ends with it.
type lifetime struct {
	nc    net.Conn
	log   *slog.Logger
	up    Dispatcher
	calls *calls

	done   chan struct{} // closed when err is set
	ending atomic.Bool   // Fail was called: err is set, or about to be under mu

	mu    sync.Mutex // guards the rest
	err   error      // first fatal error: sticky
	owned sync.WaitGroup
}

// Own runs f on a goroutine that Close joins. It reports false on a Session that has ended.
func (l *lifetime) Own(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false
	}
	l.owned.Go(f)
	return true
}

// Fail makes err, or what Dispatcher.Ended makes of it, the Session's error unless it has one, ends everything that waits, and
// returns the Session's error.
func (l *lifetime) Fail(err error) error {
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.ending.Store(true) // first: who learns of the end from Ended finds it here, too
	l.err = l.up.Ended(err)
	_, plain := l.nc.(*net.TCPConn)
	if plain {
		l.owned.Add(1)
	} else {
		l.owned.Go(func() { l.nc.Close() }) // tunnels and TLS take leave of the peer, which may take a moment
	}
	close(l.done)
	err = l.err
	l.mu.Unlock()
	if plain {
		l.nc.Close()
		l.owned.Done()
	}
	l.log.Debug("rtmp: connection ended", "error", err)
	l.calls.end(err)
	return err
}

// Close ends the Session and returns when every goroutine that it owns has ended.
func (l *lifetime) Close() {
	l.Fail(ErrClosed)
	l.owned.Wait()
}

// Err is the error that ended the Session, nil while it lives.
func (l *lifetime) Err() error {
	if !l.ending.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Done is closed when the Session has ended; Err then says why.
func (l *lifetime) Done() <-chan struct{} { return l.done }
