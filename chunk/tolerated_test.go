package chunk

import (
	"bytes"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestToleratedWhileReading checks that Tolerated may be called while another goroutine reads. The race detector reports it if not.
func TestToleratedWhileReading(t *testing.T) {
	long := append([]byte{4, 0, 0, 0, 0, 0, 200, 8, 1, 0, 0, 0}, make([]byte, DefaultChunkSize)...) // the first of two chunks
	short := []byte{4, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 7}
	r := NewReader(bytes.NewReader(append(long, short...)), 0)
	var group sync.WaitGroup
	group.Go(func() { r.Tolerated() })
	var m Message
	require.NoError(t, r.Next(&m))
	group.Wait()
	assert.Equal(t, Tolerated{ImplicitAborts: 1}, r.Tolerated())
}
