package main

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
)

// The size of unwritten limits how much one system call may discard. With MSG_TRUNC the kernel writes nothing into it.
var unwritten = make([]byte, 1<<20)

// discard counts the received bytes until the connection ends. The kernel discards them, so that the players cost less than the server.
func discard(nc *net.TCPConn, count *atomic.Int64) error {
	raw, err := nc.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var n int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, _, failed = syscall.Recvfrom(int(fd), unwritten, syscall.MSG_TRUNC|syscall.MSG_DONTWAIT)
			return !errors.Is(failed, syscall.EAGAIN)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		count.Add(int64(n))
	}
}
