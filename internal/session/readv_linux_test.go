package session

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// TestVectorReaderIsForSockets checks that only plain sockets are read with readv.
func TestVectorReaderIsForSockets(t *testing.T) {
	a, _ := conntest.Pair(t)
	require.True(t, new(vectorReader).init(a))
	require.False(t, new(vectorReader).init(new(net.TCPConn)), "was never opened")
	piped, _ := net.Pipe()
	require.False(t, new(vectorReader).init(piped))
}
