//go:build !linux

package transport

import "net"

func newLowWater(*net.TCPConn, bool) LowWater { return nil }
