//go:build unix

package session

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/iov"
)

// TestTryWritevOfManyBuffers checks that one call accepts more buffers than one system call does.
func TestTryWritevOfManyBuffers(t *testing.T) {
	a, b := conntest.Pair(t)
	_, server := pairOn(t, a, b, Config{})
	const n = 3*iov.Max + 1
	one := []byte{1}
	many := make([][]byte, n)
	for i := range many {
		many[i] = one
	}
	ok, ready := server.session.TryWritev(many)
	require.True(t, ok && ready)
	_, err := io.ReadFull(a, make([]byte, n))
	require.NoError(t, err)
}
