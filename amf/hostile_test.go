package amf

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allocated returns the number of bytes that f allocates, including those freed again.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

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

func TestNestingAMillionDeepInAMF3(t *testing.T) {
	const deep = 1_000_000
	collection := append([]byte{marker3Object, 7}, unhex(hexArrayCollection)...)
	for name, tt := range map[string]struct{ first, level []byte }{
		"arrays":       {nil, []byte{marker3Array, 3, 1}},
		"named items":  {nil, []byte{marker3Array, 1, 3, 'a'}},
		"objects":      {nil, []byte{marker3Object, 0x0b, 1, 3, 'a'}},
		"vectors":      {nil, []byte{marker3VectorObject, 3, 0, 1}},
		"dictionaries": {nil, []byte{marker3Dictionary, 3, 0}},
		"collections":  {collection, []byte{marker3Object, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			in := append(tt.first, bytes.Repeat(tt.level, deep)...)
			cost := allocated(func() {
				_, err := DecodeAMF3(in)
				assert.ErrorContains(t, err, "nested deeper")
			})
			assert.Less(t, cost, uint64(1<<20))
		})
	}
}

// TestMemoryIsBoundedByTheInput checks that decoding allocates no more than a small multiple of the input.
func TestMemoryIsBoundedByTheInput(t *testing.T) {
	manyElements := func(element []byte) []byte {
		return append(strictArrayOf(MaxValues-1), bytes.Repeat(element, MaxValues-1)...)
	}
	// Nested arrays, each of which claims all the remaining bytes.
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

func TestMemoryIsBoundedByTheInputInAMF3(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff} // U29: a count of 2^28-1
	claim := func(marker byte, rest ...byte) []byte { return append(append([]byte{marker}, huge...), rest...) }
	manyElements := func(element ...byte) []byte {
		array := append(appendU29([]byte{marker3Array}, (MaxValues-1)<<1|1), 1)
		return append(array, bytes.Repeat(element, MaxValues-1)...)
	}
	// Nested objects of a class with 10000 sealed members. Each object is the first member of the object around it.
	wide := append(appendU29([]byte{marker3Object}, 10000<<4|3), 3, 'W')
	wide = append(append(wide, 3, 'n'), bytes.Repeat([]byte{2}, 9999)...)
	wide = append(wide, bytes.Repeat([]byte{marker3Object, 1}, MaxDepth-1)...)
	wide = append(wide, bytes.Repeat([]byte{marker3Null}, 20000)...)

	for name, in := range map[string][]byte{
		"array of 2^28":         claim(marker3Array, 1, 1, 1),
		"int vector of 2^28":    claim(marker3VectorInt, 0, 0),
		"double vector of 2^28": claim(marker3VectorDouble, 0, 0),
		"vector of 2^28":        claim(marker3VectorObject, 0, 1, 1),
		"dictionary of 2^28":    claim(marker3Dictionary, 0, 1, 1),
		"byte array of 2^28":    claim(marker3ByteArray, 1),
		"string of 2^28":        claim(marker3String, 1),
		"XML of 2^28":           claim(marker3XML, 1),
		"sealed members":        claim(marker3Object, 1, 1),
		"wide classes nested":   wide,
		"nulls":                 manyElements(marker3Null),
		"empty arrays":          manyElements(marker3Array, 1, 1),
		"empty objects":         manyElements(marker3Object, 0x0b, 1, 1),
		"empty byte arrays":     manyElements(marker3ByteArray, 1),
		"empty vectors":         manyElements(marker3VectorInt, 1, 0),
		"classes":               manyElements(marker3Object, 3, 1),
	} {
		t.Run(name, func(t *testing.T) {
			cost := allocated(func() { _, _ = DecodeAMF3(in) })
			assert.LessOrEqual(t, cost, uint64(256*len(in)+1<<16))
		})
	}
}

func TestReferencesToStringsAndClassesAreBounded(t *testing.T) {
	long := appendU29(nil, 1<<20<<1|1)
	long = append(long, strings.Repeat("x", 1<<20)...)
	array := func(count uint32) []byte { return append(appendU29([]byte{marker3Array}, count<<1|1), 1) }

	values := append(append(array(18), marker3String), long...)
	values = append(values, bytes.Repeat([]byte{marker3String, 0}, 17)...)
	_, err := DecodeAMF3(values)
	assert.ErrorContains(t, err, "references repeat more bytes than allowed")

	names := append([]byte{marker3Object, 0x0b, 1}, long...)
	names = append(names, marker3Null)
	names = append(append(names, bytes.Repeat([]byte{0, marker3Null}, 17)...), 1)
	_, err = DecodeAMF3(names)
	assert.ErrorContains(t, err, "references repeat more bytes than allowed")

	classes := append(append(array(18), marker3Object, 3), long...)
	classes = append(classes, bytes.Repeat([]byte{marker3Object, 1}, 17)...)
	_, err = DecodeAMF3(classes)
	assert.ErrorContains(t, err, "references repeat more bytes than allowed")

	vectors := append(array(18), appendU29([]byte{marker3ByteArray}, 1<<20<<1|1)...)
	vectors = append(vectors, make([]byte, 1<<20)...)
	vectors = append(vectors, bytes.Repeat([]byte{marker3ByteArray, 2}, 17)...)
	_, err = DecodeAMF3(vectors)
	assert.ErrorContains(t, err, "references repeat more bytes than allowed")
}

// TestSealedMembersAreBounded checks that the names of a class count as values, since each takes a byte of the message but 16 of memory.
func TestSealedMembersAreBounded(t *testing.T) {
	const count = 1 << 20
	in := append(appendU29([]byte{marker3Object}, count<<4|3), 3, 'W')
	in = append(in, make([]byte, 2*count)...) // references to the name W, and then undefined values
	var err error
	cost := allocated(func() { _, err = DecodeAMF3(in) })
	assert.ErrorContains(t, err, "more values than allowed")
	assert.Less(t, cost, uint64(1<<20))
}

func TestAMF3ReferencesAreChargedForWhatTheyReferTo(t *testing.T) {
	const levels = 40
	in := bytes.Repeat([]byte{marker3Array, 5, 1}, levels)
	in = append(in, marker3Null, marker3Null)
	for level := levels - 1; level > 0; level-- {
		in = append(in, marker3Array, byte(level<<1))
	}
	_, err := DecodeAMF3(in)
	assert.ErrorContains(t, err, "more values than allowed")
}

func TestMoreValuesThanAllowed(t *testing.T) {
	values, err := DecodeAMF0(bytes.Repeat([]byte{markerNull}, MaxValues+10))
	var decodeError *DecodeError
	require.ErrorAs(t, err, &decodeError)
	assert.Equal(t, MaxValues, decodeError.Offset)
	assert.Len(t, values, MaxValues)
}

// doubling is a "billion laughs" in AMF: array n contains array n-1 twice, the second time as a reference.
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

// TestReferencesInsideWhatIsReferredTo checks that a reference costs as much as all the values that it repeats, including the values that
// further references among them repeat.
func TestReferencesInsideWhatIsReferredTo(t *testing.T) {
	first := append(strictArrayOf(1), markerNull) // 6 bytes
	toFirst := []byte{markerReference, 0, 0}
	second := append(append(strictArrayOf(2), toFirst...), markerNull) // 9 bytes, or 15 with the reference written out
	toSecond := []byte{markerReference, 0, 1}
	d := NewDecoder(slices.Concat(first, toFirst, second, toSecond))
	for _, referred := range []int{0, 6, 6 + 6, 6 + 6 + 15} {
		_, err := d.Decode()
		require.NoError(t, err)
		assert.Equal(t, referred, d.referred)
	}

	d = NewAMF3Decoder(unhex("09 05 01 0c 03 aa 0c 02"))
	_, err := d.Decode()
	require.NoError(t, err)
	assert.Equal(t, 3, d.referred)
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
	require.NoError(t, err, "decoded values can be encoded")

	in = append(nest(40, markerNull), nest(25, markerReference, 0, 0)...)
	_, err = DecodeAMF0(in)
	assert.ErrorContains(t, err, "nested deeper")

	in = append(nest(40, markerNull), nest(1, markerReference, 0, 0)...) // 41 levels
	_, err = DecodeAMF0(append(in, nest(23, markerReference, 0, 40)...))
	require.NoError(t, err)
	_, err = DecodeAMF0(append(in, nest(24, markerReference, 0, 40)...))
	assert.ErrorContains(t, err, "nested deeper")
}
