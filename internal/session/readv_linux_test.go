package session

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// Plain sockets are read into memory that is lent for that.
func TestVectorReaderIsForSockets(t *testing.T) {
	a, _ := conntest.Pair(t)
	require.NotNil(t, newVectorReader(a))
	require.Nil(t, newVectorReader(new(net.TCPConn)), "was never opened")
	piped, _ := net.Pipe()
	require.Nil(t, newVectorReader(piped))
}
