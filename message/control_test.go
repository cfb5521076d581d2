package message

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUserControl(t *testing.T) {
	u, err := ParseUserControl(AppendSetBufferLength(nil, 7, 300))
	require.NoError(t, err)
	assert.Equal(t, []uint32{3, 7, 300}, []uint32{uint32(u.Event), u.Value, u.Buffer})
	u, err = ParseUserControl([]byte{0, 26, 1})
	require.NoError(t, err)
	assert.Equal(t, EventSWFVerifyRequest, u.Event)
	assert.Equal(t, []byte{1}, u.Data)
	for size, want := range map[int]UserControl{
		2: {Event: EventPingRequest},
		5: {Event: EventPingRequest},
		6: {Event: EventPingRequest, Value: 7},
		9: {Event: EventPingRequest, Value: 7},
	} {
		u, err = ParseUserControl([]byte{0, 6, 0, 0, 0, 7, 0, 0, 3}[:size])
		require.NoError(t, err)
		assert.Len(t, u.Data, size-2)
		u.Data = nil
		assert.Equal(t, want, u, "of %d bytes", size)
	}
	_, err = ParseUserControl([]byte{0})
	require.ErrorContains(t, err, "too short")
	v, err := Uint32(TypeAbort, []byte{0, 0, 1, 2})
	require.NoError(t, err)
	assert.EqualValues(t, 258, v)
	_, err = Uint32(TypeAbort, []byte{1, 2, 3})
	require.ErrorContains(t, err, "Abort: body too short, bytes: 3")
}
