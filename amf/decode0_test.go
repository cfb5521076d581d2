package amf

import (
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeAMF0(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		want []any
	}{
		{"nothing", "", nil},
		{"number", "00 3ff8000000000000", []any{1.5}},
		{"any byte but 0 is true", "01 00 01 01 01 ff", []any{false, true, true}},
		{"string", "02 0003 616263", []any{"abc"}},
		{"Latin-1 string kept byte for byte", "02 0002 e97f", []any{"\xe9\x7f"}},
		{"long string that is short", "0c 00000002 6869", []any{"hi"}},
		{"null, undefined, unsupported", "05 06 0d", []any{nil, Undefined, nil}},
		{"XML", "0f 00000004 3c612f3e", []any{XML("<a/>")}},
		{"object", "03 0001 61 05 000009", []any{Object{{"a", nil}}}},
		{"empty object", "03 000009", []any{Object{}}},
		{"repeated name kept", "03 0001 61 0101 0001 61 0100 000009", []any{Object{{"a", true}, {"a", false}}}},
		{"empty name", "03 0000 05 0001 61 05 000009", []any{Object{{"", nil}, {"a", nil}}}},
		{"object without end", "03 0001 61 0101", []any{Object{{"a", true}}}},
		{"nested objects without end", "03 0001 61 03 0001 62 05", []any{Object{{"a", Object{{"b", nil}}}}}},
		{"object that is only a marker", "03", []any{Object{}}},
		{"ECMA array", "08 00000001 0001 61 05 000009", []any{ECMAArray{{"a", nil}}}},
		{"ECMA array, count 0 but a member", "08 00000000 0001 61 05 000009", []any{ECMAArray{{"a", nil}}}},
		{"ECMA array, count too great", "08 ffffffff 0001 61 05 000009", []any{ECMAArray{{"a", nil}}}},
		{"ECMA array without end", "08 00000001 0001 61 05", []any{ECMAArray{{"a", nil}}}},
		{"strict array", "0a 00000002 05 0101", []any{[]any{nil, true}}},
		{"empty strict array", "0a 00000000", []any{[]any{}}},
		{"typed object", "10 0003 466f6f 0001 61 05 000009", []any{TypedObject{"Foo", Object{{"a", nil}}}}},
		{"date", "0b 4271f71fb082b000 0000", []any{time.Date(2009, 2, 13, 23, 31, 30, 987e6, time.UTC)}},
		{"date, zone ignored", "0b 0000000000000000 ffc4", []any{time.Unix(0, 0).UTC()}},
		{"date, fraction of a millisecond cut", "0b 3ff8000000000000 0000", []any{time.UnixMilli(1).UTC()}},
		{"date NaN", "0b 7ff8000000000000 0000", []any{time.Time{}}},
		{"date infinite", "0b fff0000000000000 0000", []any{time.Time{}}},
		{"date out of range", "0b 7fefffffffffffff 0000", []any{time.Time{}}},
		{
			"reference to an object", "0a 00000002 03 0001 61 05 000009 07 0001",
			[]any{[]any{Object{{"a", nil}}, Object{{"a", nil}}}},
		},
		{
			"references span the values of a message", "03 000009 0a 00000000 07 0001 07 0000",
			[]any{Object{}, []any{}, []any{}, Object{}},
		},
		{
			"all four containers have an index",
			"03000009 08 00000000 000009 0a00000000 10 0001 41 000009 07 0003 07 0002 07 0001 07 0000",
			[]any{
				Object{}, ECMAArray{}, []any{}, TypedObject{"A", Object{}},
				TypedObject{"A", Object{}}, []any{}, ECMAArray{}, Object{},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeAMF0(unhex(tt.in))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeAMF0Malformed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		in     string
		offset int
		value  any
		before []any // values decoded before the error
	}{
		{"number cut", "00 3ff80000", 1, uint32(8), nil},
		{"boolean cut", "05 01", 2, uint32(1), []any{nil}},
		{"string length cut", "02 00", 1, uint32(2), nil},
		{"string longer than the input", "02 0005 6162", 3, uint32(5), nil},
		{"long string longer than the input", "0c ffffffff 61", 5, uint32(math.MaxUint32), nil},
		{"long string length cut", "0c ffffff", 1, uint32(4), nil},
		{"XML longer than the input", "0f 80000000 61", 5, uint32(1 << 31), nil},
		{"date without zone", "0b 0000000000000000 00", 9, uint32(2), nil},
		{"date cut", "0b 00", 1, uint32(8), nil},
		{"name cut", "03 0005 61", 3, uint32(5), nil},
		{"name length cut", "03 00", 1, uint32(2), nil},
		{"member without value", "03 0001 61", 4, uint32(1), nil},
		{"end marker cut", "03 0000", 3, uint32(1), nil},
		{"class name cut", "10 0005 61", 3, uint32(5), nil},
		{"ECMA count cut", "08 0000", 1, uint32(4), nil},
		{"strict count cut", "0a 0000", 1, uint32(4), nil},
		{"strict array of 2^32-1", "0a ffffffff", 1, uint32(math.MaxUint32), nil},
		{"strict array one short", "0a 00000002 05", 1, uint32(2), nil},
		{"strict array whose elements end early", "0a 00000002 02 0001 61", 9, uint32(1), nil},
		{"movieclip", "04", 0, byte(4), nil},
		{"object end alone", "0101 09", 2, byte(9), []any{true}},
		{"object end as element", "0a 00000001 09", 5, byte(9), nil},
		{"recordset", "0e", 0, byte(0x0e), nil},
		{"unknown marker", "05 05 7f 00", 2, byte(0x7f), []any{nil, nil}},
		{"reference cut", "07 00", 1, uint32(2), nil},
		{"reference to nothing", "07 0000", 0, uint32(0), nil},
		{"reference to a later value", "03 000009 07 0001 03 000009", 4, uint32(1), []any{Object{}}},
		{"reference to itself", "0a 00000001 07 0000", 5, uint32(0), nil},
		{"reference to the container around it", "03 0001 61 0a 00000001 07 0000 000009", 9, uint32(0), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeAMF0(unhex(tt.in))
			assert.Equal(t, tt.before, got)
			var decodeError *DecodeError
			require.ErrorAs(t, err, &decodeError)
			assert.Equal(t, tt.offset, decodeError.Offset, err)
			assert.Equal(t, tt.value, decodeError.Value, err)
			assert.NotEmpty(t, decodeError.Detail)
		})
	}
}

func TestDecodeErrorText(t *testing.T) {
	_, err := DecodeAMF0([]byte{0x05, 0x0e})
	assert.EqualError(t, err, "amf: offset 1: unknown AMF0 marker: 14")
}

func TestDecoderOneValueAtATime(t *testing.T) {
	d := NewDecoder(unhex("02 0003 666f6f  05  00 3ff0000000000000"))
	for _, step := range []struct {
		want   any
		offset int
	}{{"foo", 6}, {nil, 7}, {1.0, 16}} {
		require.True(t, d.More())
		got, err := d.Decode()
		require.NoError(t, err)
		assert.Equal(t, step.want, got)
		assert.Equal(t, step.offset, d.Offset())
	}
	assert.False(t, d.More())
	_, err := d.Decode()
	assert.Equal(t, io.EOF, err)
}

func TestDecoderErrorIsFinal(t *testing.T) {
	d := NewDecoder(unhex("0e 05"))
	_, first := d.Decode()
	require.Error(t, first)
	assert.False(t, d.More(), "no value is read after an error, even if one seems to follow")
	_, second := d.Decode()
	assert.Same(t, first, second)
}

func TestDecoderSetMaxValues(t *testing.T) {
	three := unhex("0a 00000002 05 05")
	d := NewDecoder(three)
	d.SetMaxValues(3)
	_, err := d.Decode()
	require.NoError(t, err)

	d = NewDecoder(three)
	d.SetMaxValues(2)
	_, err = d.Decode()
	var decodeError *DecodeError
	require.True(t, errors.As(err, &decodeError))
	assert.Equal(t, 6, decodeError.Offset)
}

func TestGetReturnsTheLastOfARepeatedName(t *testing.T) {
	members := []Property{{"a", 1.0}, {"b", nil}, {"a", 2.0}}
	for _, get := range []func(string) (any, bool){Object(members).Get, ECMAArray(members).Get} {
		v, ok := get("a")
		assert.True(t, ok)
		assert.Equal(t, 2.0, v)
		v, ok = get("b")
		assert.True(t, ok, "a null member is present")
		assert.Nil(t, v)
		_, ok = get("A")
		assert.False(t, ok, "names are case-sensitive")
	}
}
