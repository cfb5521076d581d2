package flv

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBitReaderSkip(t *testing.T) {
	r := &bitReader{b: []byte{0xff, 0xff}}
	r.bits(4)
	assert.EqualValues(t, 12, r.left())
	r.skip(12)
	assert.False(t, r.short, "skipping all bits is allowed")
	r.skip(1)
	assert.True(t, r.short)
	assert.Zero(t, r.left())
}
