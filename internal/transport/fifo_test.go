package transport

import (
	"bytes"
	"crypto/rand"
	"io"
	mathrand "math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFifo checks that the bytes come out in order. All blocks must be at least half full, except for the first, which is being read, and
// the last.
func TestFifo(t *testing.T) {
	var f fifo
	var want bytes.Buffer
	for range 2000 {
		b := blocks.Get().(*block)
		more := make([]byte, mathrand.IntN([]int{10, 1000, len(b.memory) + 1}[mathrand.IntN(3)]))
		rand.Read(more)
		n, _ := b.fill(bytes.NewReader(more), true)
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

// pieces is a Reader that returns pieces of the given sizes; 0 is the end of an answer. It records the sizes of the slices that it was asked
// to fill.
type pieces struct {
	sizes, offered []int
}

func (p *pieces) Read(b []byte) (n int, err error) {
	if p.offered = append(p.offered, len(b)); len(p.sizes) == 0 {
		return 0, io.EOF
	}
	if n = min(len(b), p.sizes[0]); n == 0 {
		err = io.EOF
	}
	if p.sizes[0] -= n; p.sizes[0] == 0 {
		p.sizes = p.sizes[1:]
	}
	return n, err
}

// TestReceiveWaitsWithoutABlock checks that receive uses the memory of a block only for peers that send much at a time, and that it
// then joins the bytes that net/http has read together with a header to those after them.
func TestReceiveWaitsWithoutABlock(t *testing.T) {
	const much = len(block{}.memory)
	const beside = headerBuffer - 200 // bytes beside a header
	for name, test := range map[string]struct{ sizes, offered, received []int }{
		"a byte at a time": {[]int{1, 1, 1}, []int{fewBytes, fewBytes, fewBytes, fewBytes}, []int{1, 1, 1}},
		"much":             {[]int{2*much + fewBytes}, []int{fewBytes, much, much, much}, []int{fewBytes, much, much}},
		"much, twice":      {[]int{much, 0, much}, []int{fewBytes, much, much, much, much}, []int{fewBytes, much - fewBytes, much}},
		"much, in pieces": {[]int{fewBytes, 0, beside, much, beside}, []int{fewBytes, much, much, much - beside, much, much - beside, much},
			[]int{fewBytes, much, 2 * beside}},
		"much, then one byte": {[]int{much + fewBytes, 1, 1, 0, 1}, []int{fewBytes, much, much, much - 1, much - 2, fewBytes, fewBytes},
			[]int{fewBytes, much, 2, 1}},
	} {
		var d duplex
		d.init(nil, nil)
		from := &pieces{sizes: test.sizes}
		var received []int
		for ended := false; !ended; {
			n, err := d.receive(from, true)
			if err != nil {
				require.Equal(t, io.EOF, err)
				ended = len(from.sizes) == 0
			}
			if n > 0 {
				received = append(received, n)
				got, err := d.Read(make([]byte, much))
				require.NoError(t, err)
				assert.Equal(t, n, got)
			}
		}
		assert.Equal(t, test.received, received, name)
		assert.Equal(t, test.offered, from.offered, name)
	}
}
