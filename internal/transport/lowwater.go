package transport

import "net"

// LowWater waits until many bytes have arrived on a socket, so that one read returns all of them.
type LowWater interface {
	// Wait returns true when the given number of bytes has arrived, or the peer has closed the connection. It returns false when the read
	// deadline of the connection has passed. The next read then returns what has arrived.
	Wait(bytes int) bool
	// Clear must be called before a read without a Wait.
	Clear()
}

// NewLowWater returns a LowWater for nc. It returns nil for tunnels, for connections without a socket, and on systems other than Linux. It
// also returns nil for TLS: one read returns one record, so a client whose messages are short would send faster than it is read.
func NewLowWater(nc net.Conn) LowWater {
	if _, ok := nc.(*tlsConn); ok {
		return nil
	}
	if tcp := socketOf(nc); tcp != nil {
		return newLowWater(tcp, nc == net.Conn(tcp))
	}
	return nil
}
