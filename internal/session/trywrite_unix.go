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
