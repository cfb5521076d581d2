//go:build unix

package iov

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPartialWrite checks that Write returns no error if it has written something. Its callers continue after the bytes that were written;
// after an error, they may begin again.
func TestPartialWrite(t *testing.T) {
	var p [2]int
	require.NoError(t, syscall.Pipe(p[:]))
	defer syscall.Close(p[0])
	defer syscall.Close(p[1])
	require.NoError(t, syscall.SetNonblock(p[1], true))
	buffers := make([][]byte, 2*Max)
	for i := range buffers {
		buffers[i] = make([]byte, 4096)
	}
	n, err := Write(p[1], buffers)
	require.NoError(t, err)
	assert.Positive(t, n)
	assert.Less(t, n, 4096*Max)
	_, err = Write(p[1], buffers)
	assert.ErrorIs(t, err, syscall.EAGAIN)
}
