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

// lifetime contains a connection's first error, and ends everything that belongs to the connection.
type lifetime struct {
	ending atomic.Bool   // Fail was called: err is set, or about to be set under mu
	done   chan struct{} // closed when err is set

	nc    net.Conn
	log   *slog.Logger
	up    Dispatcher
	calls *calls

	mu    sync.Mutex // guards the fields below
	err   error      // the first fatal error, which does not change
	owned sync.WaitGroup
}

// Own runs f on a goroutine for which Close waits. It returns false if the Session has ended.
func (l *lifetime) Own(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false
	}
	l.owned.Go(f)
	return true
}

// Fail ends the Session and all waits, unless the Session has already ended. The Session's error is then the one that Dispatcher.Ended
// returns for err. Fail returns the Session's error.
func (l *lifetime) Fail(err error) error {
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.ending.Store(true) // set before Ended is called, since Ended may call Err
	l.err = l.up.Ended(err)
	_, plain := l.nc.(*net.TCPConn)
	if plain {
		l.owned.Add(1)
	} else {
		l.owned.Go(func() { l.nc.Close() }) // in a goroutine, since closing a tunnel or TLS sends a last message, which may take time
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

// Close ends the Session and waits for all goroutines that it owns.
func (l *lifetime) Close() {
	l.Fail(ErrClosed)
	l.owned.Wait()
}

// Err returns the error that ended the Session, and nil while it is alive.
func (l *lifetime) Err() error {
	if !l.ending.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Done returns a channel that is closed when the Session has ended. Err then returns the reason.
func (l *lifetime) Done() <-chan struct{} { return l.done }
