//go:build !unix

package session

import "net"

// tryWriter is not implemented on this system.
type tryWriter struct{}

func newTryWriter(net.Conn) *tryWriter { return nil }

func (*tryWriter) write([]byte) (int, error) { return 0, nil }

func (*tryWriter) writev([][]byte) int { return 0 }
