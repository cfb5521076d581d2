//go:build unix

package session

import (
	"net"
	"syscall"
)

// tryWriter writes to a socket without ever waiting for the peer to read.
type tryWriter struct {
	raw  syscall.RawConn
	buf  []byte
	n    int
	once func(fd uintptr) bool // write, made once so that a write allocates nothing
	bufs [][]byte
	many func(fd uintptr) bool // writev, likewise
}

// newTryWriter returns nil for connections that are no plain sockets.
func newTryWriter(nc net.Conn) *tryWriter {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	t := &tryWriter{raw: raw}
	t.once = func(fd uintptr) bool {
		// Sockets of package net don't block. An error is left to the next ordinary write to find.
		t.n, _ = syscall.Write(int(fd), t.buf)
		return true
	}
	t.many = func(fd uintptr) bool {
		t.n, _ = writev(int(fd), t.bufs)
		return true
	}
	return t
}

// write returns how many bytes of b the socket took.
func (t *tryWriter) write(b []byte) int {
	t.buf, t.n = b, 0
	if err := t.raw.Write(t.once); err != nil {
		t.n = 0
	}
	t.buf = nil
	return max(0, t.n)
}

// maxBuffers is how many buffers one system call takes (IOV_MAX).
const maxBuffers = 1024

// writev is write for many buffers.
func (t *tryWriter) writev(b [][]byte) (total int) {
	for len(b) > 0 {
		t.bufs, t.n = b[:min(len(b), maxBuffers)], 0
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
