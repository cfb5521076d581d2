package chunk

import (
	"io"
	"math/rand/v2"
	"os"
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

// TestMessagesAcrossFastReadsAreViews checks that messages in small chunks are not assembled after a fast sender's reads have grown, and
// that the buffer is released again once the sender is slow.
func TestMessagesAcrossFastReadsAreViews(t *testing.T) {
	fast, impatient := true, false
	v := &vectored{wire: equalMessages(t, 4096, 200, 80_000), size: func() int {
		if fast {
			return 1 << 30
		}
		return 10_000
	}}
	r := NewReader(v, 0)
	var m Message
	for i := range 180 {
		require.NoError(t, r.Next(&m))
		if i > 20 {
			require.NotZero(t, m.stride, "message %d was assembled", i)
		}
	}
	for fast, v.impatient = false, true; len(v.wire) > 0; {
		if err := r.Next(&m); err == os.ErrDeadlineExceeded && r.size == maxRead && len(r.partial) > 0 {
			impatient = true
			require.Nil(t, r.in)
		}
	}
	assert.True(t, impatient)
}
