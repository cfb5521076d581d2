package transport

import (
	"bytes"
	"crypto/rand"
	mathrand "math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFifo checks that the bytes come out in order, and that all blocks are at least half full, except the first, which is being read, and
// the last.
func TestFifo(t *testing.T) {
	var f fifo
	var want bytes.Buffer
	for range 2000 {
		b := blocks.Get().(*block)
		more := make([]byte, mathrand.IntN([]int{10, 1000, len(b.memory) + 1}[mathrand.IntN(3)]))
		rand.Read(more)
		n, _ := b.fill(bytes.NewReader(more))
		require.Equal(t, len(more), n)
		f.add(b)
		want.Write(more)
		require.Equal(t, want.Len(), f.len())
		require.LessOrEqual(t, len(f.blocks), 2*f.len()/len(b.memory)+2)
		if f.len() < 4*len(b.memory) && mathrand.IntN(2) == 0 {
			continue
		}
		p := make([]byte, mathrand.IntN(2*len(b.memory)))
		p = p[:f.read(p)]
		require.True(t, bytes.Equal(want.Next(len(p)), p))
	}
	f.drop()
	assert.Zero(t, f.len())
	assert.Zero(t, f.read(make([]byte, 1)))
}
