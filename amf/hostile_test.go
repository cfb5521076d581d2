package amf

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allocated returns how many bytes f allocates in all, freed ones included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// strictArrayOf begins a strict array that claims count elements.
func strictArrayOf(count uint32) []byte {
	return AppendStrictArrayStart(nil, count)
}

func TestNestingAMillionDeep(t *testing.T) {
	const deep = 1_000_000
	for name, level := range map[string][]byte{
		"objects":       {markerObject, 0, 1, 'a'},
		"empty names":   {markerObject, 0, 0},
		"ECMA arrays":   {markerECMAArray, 0, 0, 0, 1, 0, 1, 'a'},
		"strict arrays": strictArrayOf(1),
		"typed objects": {markerTypedObject, 0, 1, 'A', 0, 1, 'a'},
	} {
		t.Run(name, func(t *testing.T) {
			in := bytes.Repeat(level, deep)
			cost := allocated(func() {
				_, err := DecodeAMF0(in)
				var decodeError *DecodeError
				require.ErrorAs(t, err, &decodeError)
				assert.Equal(t, MaxDepth*len(level), decodeError.Offset)
			})
			assert.Less(t, cost, uint64(1<<20))
		})
	}
}

// Whatever is claimed, memory stays within a small multiple of what is there.
func TestMemoryIsBoundedByTheInput(t *testing.T) {
	manyElements := func(element []byte) []byte {
		return append(strictArrayOf(MaxValues-1), bytes.Repeat(element, MaxValues-1)...)
	}
	// Arrays nested in each other, each claiming all that is left.
	var claims []byte
	for range MaxDepth {
		claims = append(claims, strictArrayOf(60000)...)
	}
	claims = append(claims, make([]byte, 60000)...)

	for name, in := range map[string][]byte{
		"strict array of 4 billion":    append(strictArrayOf(0xffffffff), make([]byte, 1000)...),
		"ECMA array of 4 billion":      {markerECMAArray, 0xff, 0xff, 0xff, 0xff, 0, 0, 9},
		"long string of 4 GB":          {markerLongString, 0xff, 0xff, 0xff, 0xff, 'x'},
		"XML of 2 GB":                  {markerXML, 0x7f, 0xff, 0xff, 0xff, 'x'},
		"nested claims":                claims,
		"nulls":                        manyElements([]byte{markerNull}),
		"empty objects":                manyElements([]byte{markerObject, 0, 0, markerObjectEnd}),
		"empty strings":                manyElements([]byte{markerString, 0, 0}),
		"members with empty names":     append([]byte{markerObject}, bytes.Repeat([]byte{0, 0, 5}, MaxValues-1)...),
		"ECMA arrays that claim a lot": manyElements([]byte{markerECMAArray, 0, 0, 0xff, 0xff, 0, 0, markerObjectEnd}),
	} {
		t.Run(name, func(t *testing.T) {
			cost := allocated(func() { _, _ = DecodeAMF0(in) })
			assert.LessOrEqual(t, cost, uint64(128*len(in)+1<<16))
		})
	}
}

func TestMoreValuesThanAllowed(t *testing.T) {
	values, err := DecodeAMF0(bytes.Repeat([]byte{markerNull}, MaxValues+10))
	var decodeError *DecodeError
	require.ErrorAs(t, err, &decodeError)
	assert.Equal(t, MaxValues, decodeError.Offset)
	assert.Len(t, values, MaxValues)
}

// doubling is the AMF form of the billion laughs: array n holds array n-1
// twice, the second time by reference.
func doubling(levels int) []byte {
	var in []byte
	for range levels {
		in = append(in, strictArrayOf(2)...)
	}
	in = append(in, markerNull, markerNull)
	for level := levels - 1; level > 0; level-- {
		in = binary.BigEndian.AppendUint16(append(in, markerReference), uint16(level))
	}
	return in
}

func TestReferencesAreChargedForWhatTheyReferTo(t *testing.T) {
	values, err := DecodeAMF0(doubling(10))
	require.NoError(t, err)
	expanded, err := AppendAMF0(nil, values...)
	require.NoError(t, err)
	assert.Equal(t, 2<<9, bytes.Count(expanded, []byte{markerNull})) // 1024 nulls

	_, err = DecodeAMF0(doubling(40))
	assert.ErrorContains(t, err, "more values than allowed")
}

func TestReferencesToLongStringsAreBounded(t *testing.T) {
	in := AppendString(strictArrayOf(1), strings.Repeat("x", 1<<20))
	in = append(in, bytes.Repeat([]byte{markerReference, 0, 0}, 17)...)
	values, err := DecodeAMF0(in)
	assert.ErrorContains(t, err, "references repeat more bytes than allowed")
	assert.Len(t, values, 1+15, "fifteen more fit into 16 MiB")
}

func TestReferencesDoNotEvadeTheDepthLimit(t *testing.T) {
	nest := func(levels int, core ...byte) []byte {
		return append(bytes.Repeat(strictArrayOf(1), levels), core...)
	}
	in := append(nest(40, markerNull), nest(24, markerReference, 0, 0)...)
	values, err := DecodeAMF0(in)
	require.NoError(t, err)
	_, err = AppendAMF0(nil, values...)
	require.NoError(t, err, "what was decoded can be encoded")

	in = append(nest(40, markerNull), nest(25, markerReference, 0, 0)...)
	_, err = DecodeAMF0(in)
	assert.ErrorContains(t, err, "nested deeper")
}
