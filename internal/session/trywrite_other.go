//go:build !unix

package session

import "net"

// tryWriter is not usable on this system, where the session writes in the ordinary, blocking way.
type tryWriter struct{}

func (*tryWriter) init(net.Conn) {}

func (*tryWriter) usable() bool { return false }

func (*tryWriter) write([]byte) (int, error) { return 0, nil }

func (*tryWriter) writev([][]byte) int { return 0 }
