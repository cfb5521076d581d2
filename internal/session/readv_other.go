//go:build !linux

package session

import (
	"net"

	"github.com/go-librtmp/rtmp/chunk"
)

// vectorReader never exists on this system, where newVectorReader returns nil and the session reads without scattering.
type vectorReader struct{}

func newVectorReader(net.Conn) *vectorReader { return nil }

func (*vectorReader) read(chunk.Vector) (int, error) { return 0, nil }
