package chunk

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadsGrowForAFastSender checks that reads grow up to a limit while the sender fills them, and become small again after that.
func TestReadsGrowForAFastSender(t *testing.T) {
	wire := interleavedStream(rand.New(rand.NewPCG(1, 1)), 4096, 300, 0)
	fast := true
	v := &vectored{wire: wire, size: func() int {
		if fast {
			return 1 << 30
		}
		return 1000
	}}
	r := NewReader(v, 0)
	assert.Equal(t, maxRead, r.size)
	var m Message
	grown := 0
	for {
		err := r.Next(&m)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(r.buf), 2*maxFastRead)
		grown = max(grown, r.size)
		if grown == maxFastRead {
			fast = false
		}
	}
	assert.Equal(t, maxFastRead, grown)
	assert.Equal(t, maxRead, r.size)
}
