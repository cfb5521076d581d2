package conntest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Pipes is a listener for connections made by net.Pipe. A write returns only when its bytes have been read, so a test knows how far the
// server is, and a server can use them in a synctest bubble.
type Pipes struct {
	host   string
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// NewPipes returns a listener whose address is port 1935 of host, which need not exist.
func NewPipes(host string) *Pipes {
	return &Pipes{host: host, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext connects to the listener and ignores the address. Use it as rtmp.Options.DialContext.
func (l *Pipes) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	if err := l.Hand(ctx, theirs); err != nil {
		return nil, err
	}
	return ours, nil
}

// Hand passes nc to Accept. If the listener is closed or ctx is done, it closes nc and returns an error.
func (l *Pipes) Hand(ctx context.Context, nc net.Conn) (err error) {
	select {
	case l.conns <- nc:
		return nil
	case <-l.closed:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	nc.Close()
	return err
}

// Accept implements net.Listener.
func (l *Pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Pipes) Addr() net.Addr { return pipeAddr(l.host) }

type pipeAddr string

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return string(a) + ":1935" }
