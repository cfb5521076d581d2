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
			assert.Equal(t, kind == TypeCommandAMF3, body[4] == 0, "the format selector")
			parsed, err := ParseCommand(kind, body[4:])
			require.NoError(t, err)
			assert.Equal(t, c, parsed)
		}
	}
	dst, err := AppendCommand([]byte("keep"), TypeCommandAMF0, &Command{Name: "x", Args: []any{make(chan int)}})
	require.Error(t, err)
	assert.Equal(t, "keep", string(dst))
}

func TestParseCommandErrors(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty":                 {},
		"name is null":          {5},
		"no id":                 {2, 0, 1, 'a'},
		"id is a string":        {2, 0, 1, 'a', 2, 0, 0},
		"cut in the id":         {2, 0, 1, 'a', 0, 0},
		"unknown marker behind": {2, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77},
	} {
		_, err := ParseCommand(TypeCommandAMF0, body)
		var bad *Error
		require.ErrorAs(t, err, &bad, name)
	}
	c, err := ParseCommand(TypeCommandAMF0, append([]byte{2, 0, 1, 'a', 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0}, 5, 2, 0, 9))
	require.Error(t, err)
	assert.Equal(t, "a", c.Name, "what could be read comes with the error")
	assert.Equal(t, 1.0, c.TransactionID)
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
	assert.Equal(t, "no", ParseStatus([]any{"no"}).Description)
	assert.Equal(t, &StatusError{}, ParseStatus(nil))
}

func TestUserControl(t *testing.T) {
	u, err := ParseUserControl(AppendSetBufferLength(nil, 7, 300))
	require.NoError(t, err)
	assert.Equal(t, []uint32{3, 7, 300}, []uint32{uint32(u.Event), u.Value, u.Buffer})
	u, err = ParseUserControl([]byte{0, 26, 1})
	require.NoError(t, err)
	assert.Equal(t, EventSWFVerifyRequest, u.Event)
	assert.Equal(t, []byte{1}, u.Data)
	_, err = ParseUserControl([]byte{0})
	require.ErrorContains(t, err, "too short")
	_, err = Uint32(TypeAbort, []byte{1, 2, 3})
	require.ErrorContains(t, err, "Abort: body too short, bytes: 3")
}

// sub is one message of an aggregate.
func sub(kind, timestamp byte, size byte, body string, backPointer bool) []byte {
	b := append([]byte{kind, 0, 0, size, 0, 0, timestamp, 0, 0, 0, 0}, body...)
	if backPointer {
		b = append(b, 9, 9, 9, 9) // wrong, and not looked at
	}
	return b
}

func TestAggregate(t *testing.T) {
	ok := append(sub(8, 100, 2, "ab", true), sub(9, 110, 3, "cde", false)...)
	for name, test := range map[string]struct {
		body []byte
		want []string
		err  string
	}{
		"two, the last without back pointer": {ok, []string{"ab", "cde"}, ""},
		"empty":                              {nil, nil, ""},
		"cut in a header":                    {ok[:20], []string{"ab"}, "cut in a header"},
		"longer than what is left":           {ok[:29], []string{"ab"}, "longer than what is left"},
		"nested":                             {sub(22, 0, 1, "x", true), nil, "nested"},
	} {
		var bodies []string
		var failed error
		for m, err := range Aggregate(5000, test.body) {
			if failed = err; err != nil {
				break
			}
			bodies = append(bodies, string(m.Body))
			assert.EqualValues(t, map[Type]uint32{8: 5000, 9: 5010}[m.Type], m.Timestamp, name)
		}
		assert.Equal(t, test.want, bodies, name)
		if test.err == "" {
			assert.NoError(t, failed, name)
		} else {
			assert.ErrorContains(t, failed, test.err, name)
		}
	}
}

func TestTypeNames(t *testing.T) {
	assert.Equal(t, "Set Chunk Size", TypeSetChunkSize.String())
	assert.Equal(t, "type 99", Type(99).String())
	assert.True(t, TypeDataAMF3.Media())
	assert.False(t, TypeCommandAMF0.Media())
}

func FuzzParse(f *testing.F) {
	body, _ := AppendCommand(nil, TypeCommandAMF0, &Command{Name: "a", Object: amf.Object{{Name: "b", Value: 1.0}}})
	f.Add(uint8(20), body)
	f.Add(uint8(22), sub(8, 1, 1, "x", true))
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		c, err := ParseCommand(Type(kind), body)
		if err == nil {
			again, err := AppendCommand(nil, TypeCommandAMF0, &c)
			if err == nil {
				_, err = ParseCommand(TypeCommandAMF0, again)
				require.NoError(t, err)
			}
		}
		ParseData(Type(kind), body)
		ParseUserControl(body)
		left := len(body)
		for m, err := range Aggregate(0, body) {
			if err != nil {
				break
			}
			left -= len(m.Body) + subHeaderSize
			require.GreaterOrEqual(t, left, 0)
		}
	})
}
