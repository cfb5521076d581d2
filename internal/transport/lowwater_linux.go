package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// lowWater sets SO_RCVLOWAT, socket(7).
func lowWater(tcp *net.TCPConn) func(bytes int) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var mark int
	set := func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, mark) }
	return func(bytes int) {
		mark = bytes
		raw.Control(set) // it fails only for a closed socket
	}
}
