package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// socketUnacknowledged reads SIOCOUTQ, tcp(7): the bytes in the send queue, which stay there until acknowledged.
func socketUnacknowledged(c *net.TCPConn) (n int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n, err == nil && failed == nil
}
