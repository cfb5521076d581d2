package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// socketUnacknowledged asks for SIOCOUTQ, tcp(7): what is in the send queue until it is acknowledged.
func socketUnacknowledged(c *net.TCPConn) (n int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n, err == nil && failed == nil
}
