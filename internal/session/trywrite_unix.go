//go:build unix

package session

import (
	"net"
	"os"
	"syscall"

	"github.com/go-librtmp/rtmp/internal/iov"
)

// tryWriter writes to a socket without ever waiting for the peer to read.
type tryWriter struct {
	raw  syscall.RawConn
	many func(fd uintptr) bool // calls writev(2); made once so that writing does not allocate
	bufs [][]byte
	n    int
	err  error // error of the last system call; nil if the socket accepts no more

	once func(fd uintptr) bool // calls write(2); made once, too
	buf  []byte
	nc   *net.TCPConn
}

// init makes t usable if nc is a plain socket.
func (t *tryWriter) init(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	t.nc, t.raw = tcp, raw
	t.once = func(fd uintptr) bool {
		t.n, t.err = syscall.Write(int(fd), t.buf) // sockets of package net don't block
		return true
	}
	t.many = func(fd uintptr) bool {
		// The error is ignored, since the next ordinary write returns it.
		if len(t.bufs) == 1 { // the usual case; write(2) costs less than writev(2)
			t.n, _ = syscall.Write(int(fd), t.bufs[0])
			return true
		}
		t.n, _ = iov.Write(int(fd), t.bufs)
		return true
	}
}

// usable reports whether the connection is a plain socket. If it is not, the other methods must not be called.
func (t *tryWriter) usable() bool { return t.raw != nil }

// write writes to the socket without blocking, and returns how many bytes of b the socket has accepted. The error is like that of
// net.Conn.Write. But it is nil if the socket accepts no more bytes, was closed, or its deadline has passed: an ordinary write reports
// these.
func (t *tryWriter) write(b []byte) (int, error) {
	t.buf, t.n, t.err = b, 0, nil
	if err := t.raw.Write(t.once); err != nil {
		t.n, t.err = 0, nil
	}
	t.buf = nil
	switch t.err {
	case nil, syscall.EAGAIN, syscall.EINTR:
		return max(0, t.n), nil
	}
	return 0, &net.OpError{Op: "write", Net: "tcp", Source: t.nc.LocalAddr(), Addr: t.nc.RemoteAddr(), Err: os.NewSyscallError("write", t.err)}
}

// writev is like write, for many buffers.
func (t *tryWriter) writev(b [][]byte) (total int) {
	for len(b) > 0 {
		t.bufs, t.n = b[:min(len(b), iov.Max)], 0
		if err := t.raw.Write(t.many); err != nil {
			t.n = 0
		}
		want := 0
		for _, one := range t.bufs {
			want += len(one)
		}
		b = b[len(t.bufs):]
		t.bufs = nil
		if total += max(0, t.n); t.n < want {
			break
		}
	}
	return total
}
