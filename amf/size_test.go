package amf

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSize compares Size with the memory that the values keep alive.
func TestSize(t *testing.T) {
	repeat := func(head []byte, n int, element ...byte) []byte {
		return append(head, bytes.Repeat(element, n)...)
	}
	array := func(n int, element ...byte) []byte {
		return repeat([]byte{10, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, n, element...)
	}
	big, err := AppendAMF0(nil, string(make([]byte, 1<<20)), AVMPlus{ByteArray(make([]byte, 1<<20))}, AVMPlus{Vector[float64]{Items: make([]float64, 1<<17)}})
	require.NoError(t, err)
	for name, wire := range map[string][]byte{
		"nulls":         array(60000, 5),
		"numbers":       array(60000, 0, 1, 2, 3, 4, 5, 6, 7, 8),
		"texts":         array(60000, 2, 0, 3, 'a', 'b', 'c'),
		"empty objects": array(60000, 3, 0, 0, 9),
		"small objects": array(30000, 3, 0, 1, 'a', 5, 0, 0, 9),
		"members":       append(repeat([]byte{3}, 60000, 0, 1, 'a', 5), 0, 0, 9),
		"big ones":      big,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			values, err := DecodeAMF0(wire)
			require.NoError(t, err)
			runtime.GC()
			runtime.ReadMemStats(&after)
			held := int(after.HeapAlloc) - int(before.HeapAlloc)
			assert.InEpsilon(t, held, Size(values...), 0.6, "wire: %d bytes", len(wire))
			runtime.KeepAlive(wire)
		})
	}
}

// TestSizeOfParts checks that each part counts once: interface value, header, capacity of slices and bytes of strings.
func TestSizeOfParts(t *testing.T) {
	const word = int(unsafe.Sizeof(uintptr(0)))
	for _, test := range []struct {
		value        any
		words, bytes int
	}{
		{nil, 0, 0},
		{1.5, 0, 8},
		{"abc", 2, 3},
		{XML("abc"), 2, 3},
		{XMLDocument("abc"), 2, 3},
		{make(ByteArray, 5, 7), 3, 7},
		{Object{{"ab", "c"}}, 3 + 4 + 2, 2 + 1},
		{ECMAArray{{"ab", "c"}}, 3 + 4 + 2, 2 + 1},
		{TypedObject{"abc", Object{{"ab", "c"}}}, 5 + 4 + 2, 3 + 2 + 1},
		{make([]any, 0, 3), 3 + 3*2, 0},
		{[]any{"abc"}, 3 + 2 + 2, 3},
		{ObjectVector{Type: "abc", Items: []any{"d"}}, 6 + 2 + 2, 3 + 1},
		{Vector[int32]{Items: make([]int32, 2, 3)}, 4, 3 * 4},
		{Vector[uint32]{Items: make([]uint32, 2, 3)}, 4, 3 * 4},
		{Vector[float64]{Items: make([]float64, 2, 3)}, 4, 3 * 8},
		{Dictionary{Entries: []DictionaryEntry{{"ab", "c"}}}, 4 + 4 + 2 + 2, 2 + 1},
		{External{"abc", "d"}, 4 + 2, 3 + 1},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			assert.Equal(t, (2+test.words)*word+test.bytes, Size(test.value))
		})
	}
	assert.Zero(t, Size())
	for _, v := range []any{Undefined, true, time.Now(), External{Class: "c"}, Dictionary{}, TypedObject{}, ObjectVector{},
		ECMAArray{{Name: "n"}}, XML("x"), XMLDocument("x"), Vector[int32]{}, Vector[uint32]{}, struct{}{}} {
		assert.GreaterOrEqual(t, Size(v), 2*word)
	}
}
