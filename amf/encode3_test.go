package amf

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAppendU29(t *testing.T) {
	for n, want := range map[uint32]string{
		0: "00", 0x7f: "7f", 0x80: "8100", 0x3fff: "ff7f", 0x4000: "818000",
		0x1fffff: "ffff7f", 0x200000: "80c08000", 0x1fffffff: "ffffffff",
	} {
		b := appendU29(nil, n)
		assert.Equal(t, unhex(want), b)
		in := input{b: b}
		back, err := in.u29("")
		require.NoError(t, err)
		assert.Equal(t, n, back)
		assert.Zero(t, in.left())
	}
}

func TestAppendAMF3(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"null", nil, "01"},
		{"nil pointer", (*int)(nil), "01"},
		{"nil slice", []any(nil), "01"},
		{"nil bytes", []byte(nil), "01"},
		{"nil ByteArray is empty", ByteArray(nil), "0c 01"},
		{"nil Object is empty", Object(nil), "0a 0b 01 01"},
		{"nil ECMAArray is empty", ECMAArray(nil), "09 01 01"},
		{"ECMAArray that ends in item 0", ECMAArray{{"a", 1}, {"0", 2}}, "09 03 03 61 04 01 01 04 02"},
		{"undefined", Undefined, "00"},
		{"int", 5, "04 05"},
		{"greatest integer", 1<<28 - 1, "04 bfffffff"},
		{"one more", 1 << 28, "05 41b0000000000000"},
		{"least integer", -1 << 28, "04 c0808000"},
		{"one less", -1<<28 - 1, "05 c1b0000001000000"},
		{"minus zero", math.Copysign(0, -1), "05 8000000000000000"},
		{"NaN", math.NaN(), "05 7ff8000000000001"},
		{"bytes", []byte{1}, "0c 03 01"},
		{"pointer to bytes", &[]byte{1}, "0c 03 01"},
		{"pointer to ByteArray", &ByteArray{1}, "0c 03 01"},
		{"pointer to vector", &Vector[int32]{Items: []int32{1}}, "0d 03 00 00000001"},
		{"pointer to dictionary", &Dictionary{}, "11 01 00"},
		{"pointer to object vector", &ObjectVector{Type: "A"}, "10 01 00 03 41"},
		{"pointer to XML document", pointerTo(XMLDocument("a")), "07 03 61"},
		{"pointer to external", &External{"A", nil}, "0a 07 03 41 01"},
		{"AVMPlus changes nothing", AVMPlus{AVMPlus{1}}, "04 01"},
		{"pointer to AVMPlus", &AVMPlus{1}, "04 01"},
		{"struct", tagged{Code: "c"}, "0a 0b 01 09 636f6465 06 03 63 0b 506c61696e 02 01"},
		{"map", map[string]int{"b": 1, "a": 2}, "0a 0b 01 03 61 04 02 03 62 04 01 01"},
		{"slice of strings", []string{"a", "a"}, "09 05 01 06 03 61 06 00"},
		{"empty name: sealed", Object{{"", nil}, {"a", nil}}, "0a 23 01 01 03 61 01 01"},
		{"sealed again", []any{TypedObject{"A", Object{{"a", 1}}}, TypedObject{"A", Object{{"a", 2}}}},
			"09 05 01 0a 13 03 41 03 61 04 01 0a 01 04 02"},
		{"other members of the same class", []any{TypedObject{"A", Object{{"a", 1}}}, TypedObject{"A", Object{{"b", 2}}}},
			"09 05 01 0a 13 03 41 03 61 04 01 0a 13 00 03 62 04 02"},
		{"names with the same concatenation", []any{TypedObject{"A", Object{{"bc", 1}}}, TypedObject{"Ab", Object{{"c", 2}}}},
			"09 05 01 0a 13 03 41 05 6263 04 01 0a 13 05 4162 03 63 04 02"},
		{"array that ends with numbers", ECMAArray{{"a", 1}, {"0", 2}, {"1", 3}}, "09 05 03 61 04 01 01 04 02 04 03"},
		{"array of numbers only", ECMAArray{{"0", 1}, {"1", 2}}, "09 01 03 30 04 01 03 31 04 02 01"},
		{"array with a gap", ECMAArray{{"a", 1}, {"0", 2}, {"2", 3}}, "09 01 03 61 04 01 03 30 04 02 03 32 04 03 01"},
		{"array with odd numbers", ECMAArray{{"a", 1}, {"00", 2}}, "09 01 03 61 04 01 05 3030 04 02 01"},
		{"array that ends too soon", ECMAArray{{"0", 2}, {"2", 3}}, "09 01 03 30 04 02 03 32 04 03 01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendAMF3([]byte{0xee}, tt.value)
			require.NoError(t, err)
			assert.Equal(t, unhex("ee"+tt.want), got)
		})
	}
}

func TestAppendAMF3BeginsTablesAgain(t *testing.T) {
	got, err := AppendAMF3(nil, "a", "a")
	require.NoError(t, err)
	assert.Equal(t, unhex("06 03 61 06 03 61"), got)
}

func TestAMF0SwitchesForWhatItLacks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"AVMPlus", AVMPlus{"a"}, "11 06 03 61"},
		{"pointer to AVMPlus", &AVMPlus{nil}, "11 01"},
		{"ByteArray", ByteArray{1}, "11 0c 03 01"},
		{"vector of int", Vector[int32]{}, "11 0d 01 00"},
		{"vector of uint", Vector[uint32]{}, "11 0e 01 00"},
		{"vector of double", Vector[float64]{}, "11 0f 01 00"},
		{"vector of objects", ObjectVector{}, "11 10 01 00 01"},
		{"dictionary", Dictionary{}, "11 11 01 00"},
		{"external", External{"A", 1}, "11 0a 07 03 41 04 01"},
		{"as a member", Object{{"a", ByteArray{}}}, "03 0001 61 11 0c 01 000009"},
		{"tables begin again", []any{AVMPlus{"a"}, AVMPlus{"a"}}, "0a 00000002 11 06 03 61 11 06 03 61"},
		{"XML document needs no switch", XMLDocument("a"), "0f 00000001 61"},
		{"pointer to XML document", pointerTo(XMLDocument("a")), "0f 00000001 61"},
		{"nil bytes", []byte(nil), "05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendAMF0(nil, tt.value)
			require.NoError(t, err)
			assert.Equal(t, unhex(tt.want), got)
		})
	}
}

func TestAppendAMF3Refuses(t *testing.T) {
	selfMap := map[string]any{}
	selfMap["self"] = selfMap
	selfAVMPlus := &AVMPlus{}
	selfAVMPlus.Value = selfAVMPlus
	selfExternal := &External{Class: "A"}
	selfExternal.Value = selfExternal

	for _, tt := range []struct {
		name  string
		value any
		path  string
	}{
		{"channel", make(chan int), "[1]"},
		{"channel in an object", Object{{"a", make(chan int)}}, "[1].a"},
		{"channel in a sealed object", TypedObject{"A", Object{{"a", make(chan int)}}}, "[1].a"},
		{"channel in an array", ECMAArray{{"a", []any{0, make(chan int)}}}, "[1].a[1]"},
		{"channel in a vector", ObjectVector{Items: []any{make(chan int)}}, "[1][0]"},
		{"channel as a key", Dictionary{Entries: []DictionaryEntry{{make(chan int), 0}}}, "[1][0]"},
		{"channel in an external", External{"A", make(chan int)}, "[1]"},
		{"array item without a name", ECMAArray{{"", 1}}, "[1]"},
		{"date out of range", time.Unix(math.MaxInt64, 0), "[1]"},
		{"external without class", External{}, "[1]"},
		{"cyclic map", selfMap, "[1]" + strings.Repeat(".self", MaxDepth)},
		{"cyclic AVMPlus", selfAVMPlus, "[1]"},
		{"cyclic external", selfExternal, "[1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := []byte{1, 2, 3}
			got, err := AppendAMF3(dst, "fine", tt.value)
			assert.Equal(t, dst, got)
			var encodeError *EncodeError
			require.ErrorAs(t, err, &encodeError)
			assert.Equal(t, tt.path, encodeError.Path)
			assert.NotEmpty(t, encodeError.Detail)

			got, err = AppendAMF0(dst, "fine", AVMPlus{tt.value})
			assert.Equal(t, dst, got)
			assert.ErrorAs(t, err, &encodeError)
		})
	}
}

// This test omits three limits that would take too much memory: 2^25 sealed members, and tables of 2^28 strings and of 2^27 traits.
func TestLengthLimits(t *testing.T) {
	b, err := appendCount(nil, "string", maxU28)
	require.Nil(t, err)
	assert.Equal(t, unhex("ffffffff"), b)
	_, err = appendCount(nil, "string", maxU28+1)
	assert.ErrorContains(t, err, "string longer than allowed")
	assert.Nil(t, checkLength("string", "abc", 3))
	assert.ErrorContains(t, checkLength("string", "abc", 2), "string longer than 2 bytes: 3")
}

func TestAMF3DepthLimitIsTheSameInBothDirections(t *testing.T) {
	for name, wrap := range map[string]func(any) any{
		"array":      func(v any) any { return []any{v} },
		"object":     func(v any) any { return Object{{"a", v}} },
		"sealed":     func(v any) any { return TypedObject{"A", Object{{"a", v}}} },
		"vector":     func(v any) any { return ObjectVector{Items: []any{v}} },
		"dictionary": func(v any) any { return Dictionary{Entries: []DictionaryEntry{{v, v}}} },
		"external":   func(v any) any { return External{"flex.messaging.io.ObjectProxy", v} },
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			for range MaxDepth {
				if name == "dictionary" && v != nil { // two references in each level would make 2^64 values
					v = Dictionary{Entries: []DictionaryEntry{{nil, v}}}
				} else {
					v = wrap(v)
				}
			}
			b, err := AppendAMF3(nil, v)
			require.NoError(t, err)
			back, err := DecodeAMF3(b)
			require.NoError(t, err)
			assert.Equal(t, []any{v}, back)

			_, err = AppendAMF3(nil, []any{v})
			assert.ErrorContains(t, err, "nested deeper")
			_, err = DecodeAMF3(append([]byte{marker3Array, 3, 1}, b...))
			assert.ErrorContains(t, err, "nested deeper")
		})
	}
}
