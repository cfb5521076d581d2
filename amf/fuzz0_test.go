package amf

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzDecodeAMF0 checks that decoding never panics, and that decoded values survive encoding and decoding.
func FuzzDecodeAMF0(f *testing.F) {
	for _, seed := range []string{
		"",
		"00 3ff8000000000000 0101 02 0003 616263 05 06 0d",
		"0c 00000002 6869 0f 00000004 3c612f3e 0b 4271f71fb04cb000 0000",
		"03 0001 61 0a 00000002 05 03 0000 05 000009 000009 07 0001",
		"08 00000002 0001 61 05 0001 61 06",
		"10 0003 466f6f 0001 61 07 0000 000009",
		"0a 00000001 07 0000",
		"0b 7ff8000000000000 0000 02 0002 e97f",
		"02 0007 636f6e6e656374 00 3ff0000000000000 03 0003 617070 02 0004 6c697665 000009",
		"11 0a 0b 01 03 61 09 03 01 06 00 01 11 06 00 07 0000",
		"03 0001 61 11 11 03 00 04 01 0c 05 0102 0001 62 11 10 03 01 03 2a 0a 00 000009",
	} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		values, err := DecodeAMF0(in)
		if err != nil {
			var decodeError *DecodeError
			require.ErrorAs(t, err, &decodeError)
			require.LessOrEqual(t, decodeError.Offset, len(in))
		}
		first, err := AppendAMF0(nil, values...)
		require.NoError(t, err)
		again, err := DecodeAMF0(first)
		require.NoError(t, err)
		second, err := AppendAMF0(nil, again...)
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}

// FuzzEncodeAMF0 checks that encoded values decode to the same values. The fuzzer's bytes choose the types and contents of the values, so
// that every type and any nesting occurs.
func FuzzEncodeAMF0(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x05\x03\x01a\x00\x01b\x01\x02xyz"))
	f.Add([]byte("\x06\x02\x01a\x07\x02\x03\x04\x08\x01C\x00\x09\x0a\x0b"))
	f.Fuzz(func(t *testing.T, choices []byte) {
		k := generator{choices: choices[:min(len(choices), 4096)]} // far from MaxValues
		value := k.value(MaxDepth)
		encoded, err := AppendAMF0(nil, value)
		require.NoError(t, err)
		decoded, err := DecodeAMF0(encoded)
		require.NoError(t, err)
		require.Equal(t, []any{value}, decoded)
	})
}

// generator makes values. The bytes in choices decide which. When they are used up, generator makes nulls.
type generator struct{ choices []byte }

func (k *generator) take(n int) []byte {
	n = min(n, len(k.choices))
	b := k.choices[:n]
	k.choices = k.choices[n:]
	return b
}

func (k *generator) count() int {
	if b := k.take(1); len(b) > 0 {
		return int(b[0])
	}
	return 0
}

func (k *generator) text() string { return string(k.take(k.count() % 16)) }

func (k *generator) number() float64 {
	var b [8]byte
	copy(b[:], k.take(8))
	f := math.Float64frombits(binary.BigEndian.Uint64(b[:]))
	if f != f {
		return 0 // NaN is not equal to itself
	}
	return f
}

func (k *generator) date() time.Time {
	ms := k.number()
	if math.IsInf(ms, 0) {
		ms = maxDateMillis
	}
	return time.UnixMilli(int64(math.Mod(ms, maxDateMillis))).UTC()
}

func (k *generator) members(depth int) []Property {
	members := []Property{}
	for range k.count() % 8 {
		members = append(members, Property{k.text(), k.value(depth - 1)})
	}
	return members
}

func (k *generator) value(depth int) any {
	switch kind := k.kind(depth); kind {
	case 5:
		return XML(k.text())
	case 7:
		return Object(k.members(depth))
	case 8:
		return ECMAArray(k.members(depth))
	case 9:
		return TypedObject{k.text(), k.members(depth)}
	case 10:
		list := []any{}
		for range k.count() % 8 {
			list = append(list, k.value(depth-1))
		}
		return list
	case 11:
		return k.onlyAMF3(depth)
	default:
		return k.simple(kind)
	}
}

// kind chooses one of twelve kinds of values. At depth 0, it chooses one that contains no other values.
func (k *generator) kind(depth int) int {
	kind := k.count() % 12
	if depth == 0 {
		kind %= 7
	}
	return kind
}

// simple makes a value of a kind that AMF0 and AMF3 have in common.
func (k *generator) simple(kind int) any {
	switch kind {
	case 1:
		return k.number()
	case 2:
		return k.count()%2 == 0
	case 3:
		return k.text()
	case 4:
		return Undefined
	case 6:
		return k.date()
	}
	return nil
}
