package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// socketUnacknowledged reads SO_NWRITE, getsockopt(2): the bytes in the send buffer, which stay there until acknowledged.
func socketUnacknowledged(c *net.TCPConn) (n int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { n, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NWRITE) })
	return n, err == nil && failed == nil
}
