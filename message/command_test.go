package message

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

func TestCommandRoundTrip(t *testing.T) {
	for _, kind := range []Type{TypeCommandAMF0, TypeCommandAMF3} {
		for _, c := range []Command{
			{Name: "connect", TransactionID: 1, Object: amf.Object{{Name: "app", Value: "live"}}, Args: []any{true, "x"}},
			{Name: "onStatus", Args: []any{amf.Object{{Name: "code", Value: "c"}}}},
			{Name: "createStream", TransactionID: 2, Args: []any{}},
		} {
			body, err := AppendCommand([]byte("keep"), kind, &c)
			require.NoError(t, err)
			assert.Equal(t, kind == TypeCommandAMF3, body[4] == 0, "only type 17 has a format selector")
			parsed, err := ParseCommand(kind, body[4:])
			require.NoError(t, err)
			assert.Equal(t, c, parsed)
		}
	}
	c, err := ParseCommand(TypeCommandAMF0, []byte{2, 0, 1, 'a', 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0})
	require.NoError(t, err, "ffmpeg -listen sends no command object")
	assert.Equal(t, Command{Name: "a", TransactionID: 1}, c)
	dst, err := AppendCommand([]byte("keep"), TypeCommandAMF0, &Command{Name: "x", Args: []any{make(chan int)}})
	require.Error(t, err)
	assert.Equal(t, "keep", string(dst))
}

func TestParseCommandErrors(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty":                       {},
		"name is null":                {5},
		"no id":                       {2, 0, 1, 'a'},
		"id is a string":              {2, 0, 1, 'a', 2, 0, 0},
		"cut in the id":               {2, 0, 1, 'a', 0, 0},
		"unknown marker after the id": {2, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77},
	} {
		_, err := ParseCommand(TypeCommandAMF0, body)
		var bad *Error
		require.ErrorAs(t, err, &bad, name)
	}
	_, err := ParseCommand(TypeCommandAMF3, nil)
	require.Error(t, err, "empty, without a format selector")
	c, err := ParseCommand(TypeCommandAMF0, append([]byte{2, 0, 1, 'a', 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0}, 5, 2, 0, 9))
	require.Error(t, err)
	assert.Equal(t, "a", c.Name, "the values before the error are returned")
	assert.Equal(t, 1.0, c.TransactionID)
	var damage *amf.DecodeError
	require.ErrorAs(t, err, &damage)
	assert.Equal(t, 17, damage.Offset, "the offset counts from the beginning of the body")
}

// TestParseCommandAllocates checks that parsing an answer allocates only its values and their slice.
func TestParseCommandAllocates(t *testing.T) {
	body, err := AppendCommand(nil, TypeCommandAMF0, &Command{Name: "_result", TransactionID: 7, Args: []any{8.5}})
	require.NoError(t, err)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { ParseCommand(TypeCommandAMF0, body) }), 2.0)
}

func TestData(t *testing.T) {
	for _, kind := range []Type{TypeDataAMF0, TypeDataAMF3} {
		body, err := AppendData(nil, kind, "onMetaData", amf.ECMAArray{{Name: "width", Value: 1.0}})
		require.NoError(t, err)
		d, err := ParseData(kind, body)
		require.NoError(t, err)
		assert.Equal(t, Data{Name: "onMetaData", Args: []any{amf.ECMAArray{{Name: "width", Value: 1.0}}}}, d)
	}
	_, err := ParseData(TypeDataAMF0, []byte{5})
	require.ErrorContains(t, err, "name is not a string")
	d, err := ParseData(TypeDataAMF3, []byte{2, 0, 1, 'a'}) // without the selector
	require.NoError(t, err)
	assert.Equal(t, "a", d.Name)
}

func TestParseStatus(t *testing.T) {
	info := StatusObject("error", "NetStream.Failed", "why")
	for _, args := range [][]any{{info}, {nil, info}, {amf.Object{}, info}, {amf.ECMAArray(info)}, {amf.TypedObject{Object: info}}} {
		s := ParseStatus(args)
		assert.Equal(t, []string{"error", "NetStream.Failed", "why"}, []string{s.Level, s.Code, s.Description})
	}
	first, second := amf.Object{{Name: "description", Value: "first"}}, amf.Object{{Name: "description", Value: "second"}}
	assert.Equal(t, "first", ParseStatus([]any{first, second}).Description, "if no object has a code, the first description is used")
	assert.Equal(t, "second", ParseStatus([]any{amf.Object{}, second}).Description)
	assert.Equal(t, "second", ParseStatus([]any{"text", first, second, amf.Object{{Name: "code", Value: "c"}, {Name: "description", Value: "second"}}}).Description)
	assert.Equal(t, "no", ParseStatus([]any{"no"}).Description)
	assert.Equal(t, &StatusError{}, ParseStatus(nil))
}
