package amf

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	amf0 "github.com/yutopp/go-amf0"
)

// These tests compare this package with github.com/yutopp/go-amf0, as far as that goes. go-amf0 reads only what the encoders wrote, since
// hostile input makes it panic.

// forOracle converts v to the types of go-amf0. Its maps have no order, so values whose bytes are compared have at most one member.
func forOracle(v any) any {
	switch v := v.(type) {
	case Object:
		m := map[string]any{}
		for _, p := range v {
			m[p.Name] = forOracle(p.Value)
		}
		return m
	case ECMAArray:
		m := amf0.ECMAArray{}
		for _, p := range v {
			m[p.Name] = forOracle(p.Value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = forOracle(v[i])
		}
		return list
	default:
		return v
	}
}

func oracleValue(r *rand.Rand, depth, maxMembers int) any {
	kinds := 8
	if depth == 0 {
		kinds = 5
	}
	switch r.IntN(kinds) {
	case 0:
		return r.NormFloat64() * 1e6
	case 1:
		return r.IntN(2) == 0
	case 2:
		return []string{"", "a", "日本語", "NetStream.Play.Start"}[r.IntN(4)]
	case 3:
		return nil
	case 4: // whole seconds, since go-amf0 decodes fractions wrongly
		return time.Unix(r.Int64N(1<<32), 0).UTC()
	case 5:
		return Object(oracleMembers(r, depth, maxMembers))
	case 6: // one member, since go-amf0's decoder panics at an array after another container
		return ECMAArray(oracleMembers(r, depth, 1))
	default:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = oracleValue(r, depth-1, maxMembers)
		}
		return list
	}
}

func oracleMembers(r *rand.Rand, depth, maxMembers int) []Property {
	members := make([]Property, r.IntN(maxMembers+1))
	for i := range members {
		members[i] = Property{string(rune('a' + i)), oracleValue(r, depth-1, maxMembers)}
	}
	return members
}

func TestOracleWritesTheSameBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := oracleValue(r, 4, 1)
		var theirs bytes.Buffer
		require.NoError(t, amf0.NewEncoder(&theirs).Encode(forOracle(v)))
		ours, err := AppendAMF0(nil, v)
		require.NoError(t, err)
		require.Equal(t, theirs.Bytes(), ours, "%#v", v)
	}
}

func TestOracleReadsWhatWeWrite(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		v := oracleValue(r, 4, 5)
		ours, err := AppendAMF0(nil, v)
		require.NoError(t, err)
		var theirs any
		require.NoError(t, amf0.NewDecoder(bytes.NewReader(ours)).Decode(&theirs))
		require.Equal(t, forOracle(v), theirs)
	}
}

func TestWeReadWhatTheOracleWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		v := forOracle(oracleValue(r, 4, 5))
		var theirs bytes.Buffer
		require.NoError(t, amf0.NewEncoder(&theirs).Encode(v))
		got, err := DecodeAMF0(theirs.Bytes())
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, v, forOracle(got[0]))
	}
}

func TestOracleAgreesOnStructs(t *testing.T) {
	type inner struct {
		Code string `amf0:"code"`
		N    uint8
	}
	v := struct {
		App     string  `amf0:"app"`
		Inner   *inner  `amf0:"inner"`
		List    []int   `amf0:"list"`
		Array   [2]bool `amf0:"array"`
		Nothing map[string]int
		Info    any `amf0:"info"`
		inner2  struct{}
	}{App: "live", Inner: &inner{"c", 7}, List: []int{1, 2}, Info: inner{}}
	_ = v.inner2
	ours, err := AppendAMF0(nil, v)
	require.NoError(t, err)

	var theirs map[string]any
	require.NoError(t, amf0.NewDecoder(bytes.NewReader(ours)).Decode(&theirs))
	require.Equal(t, map[string]any{
		"app":     "live",
		"inner":   map[string]any{"code": "c", "N": 7.0},
		"list":    []any{1.0, 2.0},
		"array":   []any{false, false},
		"Nothing": nil,
		"info":    map[string]any{"code": "", "N": 0.0},
	}, theirs)
}
