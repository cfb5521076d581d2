package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck sets TCP_QUICKACK, tcp(7).
func quickAck(tcp *net.TCPConn) func() {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	set := func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return func() { raw.Control(set) } // an error only makes acknowledgements slower
}
