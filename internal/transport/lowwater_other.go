//go:build !linux

package transport

import "net"

func lowWater(*net.TCPConn) func(bytes int) { return nil }
