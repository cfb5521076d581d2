//go:build !linux && !darwin

package transport

import "net"

func socketUnacknowledged(*net.TCPConn) (n int, known bool) { return 0, false }
