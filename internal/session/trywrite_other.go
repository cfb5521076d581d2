//go:build !unix

package session

import "net"

// tryWriter never exists on this system, where newTryWriter returns nil and the session writes in the ordinary, blocking way.
type tryWriter struct{}

func newTryWriter(net.Conn) *tryWriter { return nil }

func (*tryWriter) write([]byte) (int, error) { return 0, nil }

func (*tryWriter) writev([][]byte) int { return 0 }
