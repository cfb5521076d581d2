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
	require.NotNil(t, newVectorReader(a))
	require.Nil(t, newVectorReader(new(net.TCPConn)), "was never opened")
	piped, _ := net.Pipe()
	require.Nil(t, newVectorReader(piped))
}
