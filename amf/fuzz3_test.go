package amf

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDecodeAMF3(f *testing.F) {
	file, err := os.ReadFile("testdata/amf3.json")
	require.NoError(f, err)
	var golden struct{ Vectors []goldenAMF3 }
	require.NoError(f, json.Unmarshal(file, &golden))
	for _, v := range golden.Vectors {
		f.Add(unhex(v.Bytes))
	}
	f.Add(unhex("09 05 01 06 03 61 06 03 62  09 05 01 06 03 63 06 00  06 04"))
	f.Add(unhex("0a 13 01 01 01 0a 02"))
	f.Fuzz(func(t *testing.T, in []byte) {
		values, err := DecodeAMF3(in)
		if err != nil {
			var decodeError *DecodeError
			require.ErrorAs(t, err, &decodeError)
			require.LessOrEqual(t, decodeError.Offset, len(in))
		}
		first, err := AppendAMF3(nil, values...)
		require.NoError(t, err)
		again, err := DecodeAMF3(first)
		require.NoError(t, err)
		second, err := AppendAMF3(nil, again...)
		require.NoError(t, err)
		require.Equal(t, first, second)

		// The same values must survive AMF0, with and without a switch to AMF3.
		inside, err := AppendAMF0(nil, values...)
		if err != nil {
			require.Greater(t, len(in), maxShortString, "AMF0 can express all but a long name")
			return
		}
		_, err = DecodeAMF0(inside)
		require.NoError(t, err)
	})
}

func FuzzEncodeAMF3(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x06\x03\x01a\x00\x01b\x01\x02xyz"))
	for kind := range byte(20) {
		f.Add([]byte{kind, 3, 1, 'a', kind, 2, 1, 'b', kind + 1, 1, 'c', kind, 1, 'a', 7, 7})
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		k := generator{choices: choices[:min(len(choices), 4096)]} // far from MaxValues
		value := k.value3(MaxDepth)
		encoded, err := AppendAMF3(nil, value)
		require.NoError(t, err)
		decoded, err := DecodeAMF3(encoded)
		require.NoError(t, err)
		require.Equal(t, []any{value}, decoded)
	})
}

// name returns a non-empty text, often a digit, since arrays end with numbered items.
func (k *generator) name() string {
	if s := k.text(); s != "" {
		return s
	}
	return string(rune('0' + k.count()%3))
}

func (k *generator) members3(depth, least int) []Property {
	members := []Property{}
	for range k.count()%6 + least {
		members = append(members, Property{k.name(), k.value3(depth - 1)})
	}
	return members
}

func (k *generator) list3(depth int) []any {
	list := []any{}
	for range k.count() % 6 {
		list = append(list, k.value3(depth-1))
	}
	return list
}

// value3 makes a value that survives encoding and decoding in AMF3.
func (k *generator) value3(depth int) any {
	switch kind := k.kind(depth); kind {
	case 5:
		return float64(k.count()) - 128
	case 7:
		return Object(k.members3(depth, 0))
	case 8:
		return ECMAArray(k.members3(depth, 1))
	case 9:
		return TypedObject{k.name(), k.members3(depth, 0)}
	case 10:
		return k.list3(depth)
	case 11:
		return k.onlyAMF3(depth)
	default:
		return k.simple(kind)
	}
}

func (k *generator) onlyAMF3(depth int) any {
	switch k.count() % 7 {
	case 0:
		return ByteArray(append([]byte{}, k.text()...))
	case 1:
		return Vector[int32]{k.count()%2 == 0, []int32{int32(k.number()), -1}}
	case 2:
		return Vector[uint32]{k.count()%2 == 0, []uint32{uint32(k.count()), 1 << 31}}
	case 3:
		return Vector[float64]{k.count()%2 == 0, []float64{k.number()}}
	case 4:
		return ObjectVector{k.text(), k.count()%2 == 0, k.list3(depth)}
	case 5:
		d := Dictionary{k.count()%2 == 0, []DictionaryEntry{}}
		for range k.count() % 4 {
			d.Entries = append(d.Entries, DictionaryEntry{k.value3(depth - 1), k.value3(depth - 1)})
		}
		return d
	default:
		return External{"flex.messaging.io.ArrayCollection", k.value3(depth - 1)}
	}
}
