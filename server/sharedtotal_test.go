package server

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

// TestSharedObjectsTogether checks the limit on the memory of all objects. It is necessary since MaxObjects applies to each instance of an
// application.
func TestSharedObjectsTogether(t *testing.T) {
	var h sharedObjects
	c := new(Conn)
	use := func(app string, persistent bool) (*sharedObject, sharedKey) {
		var updates sharedUpdates
		key := sharedKey{app, "object"}
		return h.use(c, key, persistent, new(SharedPolicy), &updates), key
	}
	kept, _ := use("a", true)
	brief, key := use("b", false)
	before := h.total
	var updates sharedUpdates
	brief.set(amf.Property{Name: "x", Value: "some text"}, &updates)
	require.Greater(t, h.total, before)
	h.release(c, key)
	one := h.total
	assert.Less(t, one, before, "a removed object is not counted")

	const room = 2000 // bytes: enough for three objects, or for one property
	h.total = maxSharedTotal - room
	updates = sharedUpdates{}
	kept.set(amf.Property{Name: "long", Value: string(make([]byte, room))}, &updates)
	assert.Zero(t, kept.size, "refused")
	kept.set(amf.Property{Name: "short", Value: "x"}, &updates)
	assert.NotZero(t, kept.size)
	n := 0
	for o, _ := use("c0", true); o != nil; o, _ = use("c"+string(rune('1'+n)), true) {
		n++
		require.Less(t, n, 10)
	}
	assert.Positive(t, n)
	assert.LessOrEqual(t, h.total, maxSharedTotal)
}
