package amf

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

var unhex = conntest.Hex

// goldenAMF0 is a value and its encoding by python-librtmp. The encoding of a long string is truncated.
type goldenAMF0 struct {
	Value  json.RawMessage `json:"value"`
	Whole  string          `json:"amf0"`
	Prefix string          `json:"amf0Prefix"`
}

// goldenAMF3 is a value and its encoding by an independent AMF3 encoder.
type goldenAMF3 struct {
	From  string          `json:"from"`
	Name  string          `json:"name"`
	Exact bool            `json:"exact"` // whether AppendAMF3 must write the same bytes
	Value json.RawMessage `json:"value"`
	Bytes string          `json:"amf3"`
}

// vectorValue converts {"kind": content}, the notation of the test vectors, to a value.
func vectorValue(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	var tagged map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &tagged))
	require.Len(t, tagged, 1)
	for kind, content := range tagged {
		switch kind {
		case "number":
			return vectorScalar[float64](t, content)
		case "boolean":
			return vectorScalar[bool](t, content)
		case "string":
			return vectorScalar[string](t, content)
		case "null":
			return nil
		case "repeat":
			pair := vectorScalar[[2]any](t, content)
			return strings.Repeat(pair[0].(string), int(pair[1].(float64)))
		case "strictArray":
			list := []any{}
			for _, element := range vectorScalar[[]json.RawMessage](t, content) {
				list = append(list, vectorValue(t, element))
			}
			return list
		case "object":
			return Object(vectorMembers(t, content))
		case "ecmaArray":
			return ECMAArray(vectorMembers(t, content))
		default:
			return vectorValue3(t, kind, content)
		}
	}
	return nil
}

func vectorValue3(t *testing.T, kind string, content json.RawMessage) any {
	t.Helper()
	var parts []json.RawMessage // content of the kinds that have several parts
	if content[0] == '[' {
		parts = vectorScalar[[]json.RawMessage](t, content)
	}
	switch kind {
	case "undefined":
		return Undefined
	case "xml":
		return XML(vectorScalar[string](t, content))
	case "xmlDocument":
		return XMLDocument(vectorScalar[string](t, content))
	case "date":
		return time.UnixMilli(vectorScalar[int64](t, content)).UTC()
	case "byteArray":
		return ByteArray(unhex(vectorScalar[string](t, content)))
	case "typedObject":
		return TypedObject{vectorScalar[string](t, parts[0]), vectorMembers(t, parts[1])}
	case "external":
		return External{vectorScalar[string](t, parts[0]), vectorValue(t, parts[1])}
	case "vectorInt":
		return Vector[int32]{vectorScalar[bool](t, parts[0]), vectorScalar[[]int32](t, parts[1])}
	case "vectorUint":
		return Vector[uint32]{vectorScalar[bool](t, parts[0]), vectorScalar[[]uint32](t, parts[1])}
	case "vectorDouble":
		return Vector[float64]{vectorScalar[bool](t, parts[0]), vectorScalar[[]float64](t, parts[1])}
	case "vectorObject":
		items := []any{}
		for _, item := range vectorScalar[[]json.RawMessage](t, parts[2]) {
			items = append(items, vectorValue(t, item))
		}
		return ObjectVector{vectorScalar[string](t, parts[0]), vectorScalar[bool](t, parts[1]), items}
	case "dictionary":
		entries := []DictionaryEntry{}
		for _, pair := range vectorScalar[[][2]json.RawMessage](t, parts[1]) {
			entries = append(entries, DictionaryEntry{vectorValue(t, pair[0]), vectorValue(t, pair[1])})
		}
		return Dictionary{vectorScalar[bool](t, parts[0]), entries}
	default:
		require.Fail(t, "unknown kind", kind)
		return nil
	}
}

func vectorScalar[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

func vectorMembers(t *testing.T, raw json.RawMessage) []Property {
	t.Helper()
	members := []Property{}
	for _, pair := range vectorScalar[[][2]json.RawMessage](t, raw) {
		members = append(members, Property{vectorScalar[string](t, pair[0]), vectorValue(t, pair[1])})
	}
	return members
}

func TestVectorsOfPythonLibrtmp(t *testing.T) {
	file, err := os.ReadFile("testdata/amf0.json")
	require.NoError(t, err)
	var vectors []goldenAMF0
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.Len(t, vectors, 103)

	for i, v := range vectors {
		value := vectorValue(t, v.Value)
		got, err := AppendAMF0(nil, value)
		require.NoError(t, err, "vector %d", i)
		if v.Prefix != "" {
			prefix := unhex(v.Prefix)
			require.Equal(t, prefix, got[:len(prefix)], "vector %d", i)
			header := 3
			if len(value.(string)) > 65535 {
				header = 5
			}
			require.Len(t, got, header+len(value.(string)), "vector %d", i)
		} else {
			require.Equal(t, unhex(v.Whole), got, "vector %d", i)
		}

		back, err := DecodeAMF0(got)
		require.NoError(t, err, "vector %d", i)
		require.Len(t, back, 1, "vector %d", i)
		require.Equal(t, value, back[0], "vector %d", i)
		if f, ok := value.(float64); ok { // require.Equal does not distinguish -0 from 0
			assert.Equal(t, math.Float64bits(f), math.Float64bits(back[0].(float64)), "vector %d", i)
		}
	}
}

func TestVectorsOfOtherAMF3Encoders(t *testing.T) {
	file, err := os.ReadFile("testdata/amf3.json")
	require.NoError(t, err)
	var golden struct{ Vectors []goldenAMF3 }
	require.NoError(t, json.Unmarshal(file, &golden))
	require.Len(t, golden.Vectors, 92)

	for i, v := range golden.Vectors {
		t.Run(fmt.Sprintf("%d %s %s", i, v.From, v.Name), func(t *testing.T) {
			want := vectorValue(t, v.Value)
			theirs := unhex(v.Bytes)
			got, err := DecodeAMF3(theirs)
			require.NoError(t, err)
			require.Equal(t, []any{want}, got)

			ours, err := AppendAMF3(nil, want)
			require.NoError(t, err)
			if v.Exact {
				require.Equal(t, theirs, ours)
			}
			got, err = DecodeAMF3(ours)
			require.NoError(t, err)
			require.Equal(t, []any{want}, got)

			// The same value inside AMF0, between values that must not enter the AMF3 tables.
			inside, err := AppendAMF0(nil, "name", AVMPlus{want}, Object{})
			require.NoError(t, err)
			got, err = DecodeAMF0(inside)
			require.NoError(t, err)
			require.Equal(t, []any{"name", want, Object{}}, got)
		})
	}
}
