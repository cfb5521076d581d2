//go:build !unix

package session

import "net"

// tryWriter exists only where a socket can be asked to take what it can at once.
type tryWriter struct{}

func newTryWriter(net.Conn) *tryWriter { return nil }

func (*tryWriter) write([]byte) (int, error) { return 0, nil }

func (*tryWriter) writev([][]byte) int { return 0 }
