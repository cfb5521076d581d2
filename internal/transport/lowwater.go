package transport

import "net"

// LowWater returns a function that sets how many bytes have to arrive on nc before the system wakes a reader. A read that is not blocked
// still returns fewer bytes, and the end of the connection wakes a reader at once. LowWater returns nil if the limit can't be set: for
// tunnels, for connections without a socket, and on systems other than Linux.
func LowWater(nc net.Conn) func(bytes int) {
	if tcp := socketOf(nc); tcp != nil {
		return lowWater(tcp)
	}
	return nil
}
