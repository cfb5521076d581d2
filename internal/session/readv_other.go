//go:build !linux

package session

import (
	"net"

	"github.com/go-librtmp/rtmp/chunk"
)

// vectorReader is not implemented on this system.
type vectorReader struct{}

func newVectorReader(net.Conn) *vectorReader { return nil }

func (*vectorReader) read(chunk.Vector) (int, error) { return 0, nil }
