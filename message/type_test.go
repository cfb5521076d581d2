package message

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEventNames(t *testing.T) {
	assert.Equal(t, "StreamBegin", EventStreamBegin.String())
	assert.Equal(t, "event 99", Event(99).String())
	assert.True(t, EventStreamBegin.Known())
	assert.False(t, Event(99).Known())
}

func TestTypeNames(t *testing.T) {
	assert.Equal(t, "Set Chunk Size", TypeSetChunkSize.String())
	assert.Equal(t, "type 99", Type(99).String())
	assert.True(t, TypeDataAMF3.Media())
	assert.False(t, TypeCommandAMF0.Media())
}
