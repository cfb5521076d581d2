package amf

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unhex turns "03 0001 61" into bytes.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// vector is a value in the notation of testdata/amf0.json and the bytes that
// python-librtmp encodes it to; of long strings only the first bytes.
type vector struct {
	Value  json.RawMessage `json:"value"`
	Whole  string          `json:"amf0"`
	Prefix string          `json:"amf0Prefix"`
}

// vectorValue reads one {"kind": content}.
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
			require.Fail(t, "unknown kind", kind)
		}
	}
	return nil
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
	var vectors []vector
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.Len(t, vectors, 103)

	for i, v := range vectors {
		value := vectorValue(t, v.Value)
		got, err := AppendAMF0(nil, value)
		require.NoError(t, err, "vector %d", i)
		if v.Prefix != "" {
			prefix := unhex(t, v.Prefix)
			require.Equal(t, prefix, got[:len(prefix)], "vector %d", i)
			header := 3
			if len(value.(string)) > 65535 {
				header = 5
			}
			require.Len(t, got, header+len(value.(string)), "vector %d", i)
		} else {
			require.Equal(t, unhex(t, v.Whole), got, "vector %d", i)
		}

		back, err := DecodeAMF0(got)
		require.NoError(t, err, "vector %d", i)
		require.Len(t, back, 1, "vector %d", i)
		require.Equal(t, value, back[0], "vector %d", i)
		if f, ok := value.(float64); ok { // require.Equal does not tell -0 from 0
			assert.Equal(t, math.Float64bits(f), math.Float64bits(back[0].(float64)), "vector %d", i)
		}
	}
}
