//go:build !linux

package session

import (
	"net"

	"github.com/go-librtmp/rtmp/chunk"
)

// vectorReader is not used on this system, where the session reads without scattering.
type vectorReader struct{}

func (*vectorReader) init(net.Conn) bool { return false }

func (*vectorReader) read(chunk.Vector) (int, error) { return 0, nil }
