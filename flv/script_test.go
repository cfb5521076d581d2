package flv

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

func script(tb testing.TB, name string, values ...any) []byte {
	tb.Helper()
	b, err := AppendScript(nil, name, values...)
	require.NoError(tb, err)
	return b
}

func TestScript(t *testing.T) {
	metadata := amf.ECMAArray{{Name: "duration", Value: 1.5}, {Name: "stereo", Value: true}}
	for _, c := range []struct {
		name   string
		values []any
	}{
		{"onMetaData", []any{metadata}},
		{"onCuePoint", []any{amf.Object{{Name: "name", Value: "x"}}, 2.0, nil}},
		{"|RtmpSampleAccess", []any{false, false}},
		{"alone", []any{}},
		{"", []any{"a name may be empty"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := script(t, c.name, c.values...)
			name, values, err := ParseScript(b)
			require.NoError(t, err)
			assert.Equal(t, c.name, name)
			assert.Equal(t, c.values, append([]any{}, values...))

			name, again, err := ParseScript(append(script(t, "@setDataFrame"), b...))
			require.NoError(t, err)
			assert.Equal(t, c.name, name)
			assert.Equal(t, values, again)
		})
	}
}

func TestParseScriptMalformed(t *testing.T) {
	for _, c := range []struct{ name, input, want string }{
		{"empty", "", "flv: offset 0: script data has no name"},
		{"@setDataFrame only", "02 000d 40736574446174614672616d65", "flv: offset 0: script data has no name"},
		{"number", "00 3ff0000000000000",
			`flv: offset 0: script data does not begin with a name: "float64"`},
		{"object", "03 000009", `flv: offset 0: script data does not begin with a name: "amf.Object"`},
		{"null", "05", `flv: offset 0: script data does not begin with a name: "<nil>"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := ParseScript(unhex(c.input))
			requireError(t, err, c.want)
		})
	}

	var e *amf.DecodeError
	_, _, err := ParseScript(unhex("02 0005 61"))
	require.ErrorAs(t, err, &e)
	name, values, err := ParseScript(unhex("02 0001 61 0101 00 3f"))
	require.ErrorAs(t, err, &e, "damaged after the name")
	assert.Equal(t, "a", name)
	assert.Equal(t, []any{true}, values)
}

func TestAppendScriptError(t *testing.T) {
	b, err := AppendScript([]byte("x"), "name", make(chan int))
	var e *amf.EncodeError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, []byte("x"), b)
}

func TestDuration(t *testing.T) {
	at := func(v any) amf.Property { return amf.Property{Name: "duration", Value: v} }
	nested := func(o ...amf.Property) amf.Property { return amf.Property{Name: "info", Value: amf.Object(o)} }
	var cyclic amf.Object = make(amf.Object, 1)
	cyclic[0] = amf.Property{Name: "self", Value: cyclic}

	for _, c := range []struct {
		name   string
		values []any
		want   time.Duration
	}{
		{"nothing", nil, 0},
		{"no container", []any{10.0, "duration", nil}, 0},
		{"array", []any{amf.ECMAArray{{Name: "width", Value: 1.0}, at(10.08)}}, 10080 * time.Millisecond},
		{"object", []any{amf.Object{at(1e-3)}}, time.Millisecond},
		{"typed object", []any{amf.TypedObject{Object: amf.Object{at(2.0)}}}, 2 * time.Second},
		{"second value", []any{nil, amf.Object{at(3.0)}}, 3 * time.Second},
		{"beyond 2^32 milliseconds", []any{amf.Object{at(5e6)}}, 5e6 * time.Second},
		{"depth first", []any{amf.Object{nested(at(4.0)), at(5.0)}}, 4 * time.Second},
		{"first of two", []any{amf.Object{at(6.0), nested(at(7.0)), at(8.0)}}, 6 * time.Second},
		{"back up again", []any{amf.Object{nested(nested()), at(9.0)}}, 9 * time.Second},
		{"other letter case", []any{amf.Object{{Name: "Duration", Value: 1.0}}}, 0},

		{"zero", []any{amf.Object{at(0.0)}}, 0},
		{"negative", []any{amf.Object{at(-1.0)}}, 0},
		{"NaN", []any{amf.Object{at(math.NaN())}}, 0},
		{"infinite", []any{amf.Object{at(math.Inf(1))}}, 0},
		{"minus infinite", []any{amf.Object{at(math.Inf(-1))}}, 0},
		{"just too long", []any{amf.Object{at(float64(1<<63) / 1e9)}}, 0},
		{"300 years", []any{amf.Object{at(1e10)}}, 0},
		{"largest number", []any{amf.Object{at(math.MaxFloat64)}}, 0},
		{"string", []any{amf.Object{at("10")}}, 0},
		{"null", []any{amf.Object{at(nil)}}, 0},
		{"cyclic", []any{cyclic}, 0},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Duration(c.values...)) })
	}
}

// TestScriptLong parses the index of a recording of ten hours with a key frame every second, which has 72000 numbers.
func TestScriptLong(t *testing.T) {
	times := make([]any, 36_000)
	for i := range times {
		times[i] = float64(i)
	}
	index := amf.Object{{Name: "filepositions", Value: times}, {Name: "times", Value: times}}
	b := script(t, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 36_000.0}, {Name: "keyframes", Value: index}})
	name, values, err := ParseScript(b)
	require.NoError(t, err)
	assert.Equal(t, "onMetaData", name)
	assert.Equal(t, 10*time.Hour, Duration(values...))
	got, _ := values[0].(amf.ECMAArray)
	assert.Equal(t, amf.Property{Name: "keyframes", Value: index}, got[1])

	_, values, err = ParseScript(b[:len(b)-10])
	assert.Error(t, err)
	assert.Empty(t, values, "a truncated container is not returned")
}

// TestScriptLongMalformed checks that the limit does not grow for values of one byte each, which can't be an index of key frames.
func TestScriptLongMalformed(t *testing.T) {
	const size = 1 << 20
	b := append(script(t, "onMetaData"), bytes.Repeat([]byte{5}, size)...) // null
	name, values, err := ParseScript(b)
	var e *amf.DecodeError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "onMetaData", name)
	assert.Len(t, values, len(b)/9-1)
}

// FuzzScript checks that parsed values survive writing and parsing.
func FuzzScript(f *testing.F) {
	f.Add(script(f, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 1.5}}))
	f.Add(script(f, "@setDataFrame", "onMetaData", amf.Object{{Name: "info", Value: amf.Object{{Name: "duration", Value: 2.0}}}}))
	f.Add(unhex("02 0001 61 0101 00 3f"))
	f.Add(unhex("0c 00000001 61 0a ffffffff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		name, values, err := ParseScript(input)
		if d := Duration(values...); d < 0 {
			t.Fatalf("duration %v", d)
		}
		if err != nil || name == setDataFrame {
			return // the name is a second @setDataFrame; written first, it would be dropped
		}
		first, err := AppendScript(nil, name, values...)
		require.NoError(t, err)
		name2, values2, err := ParseScript(first)
		require.NoError(t, err)
		require.Equal(t, name, name2)
		require.Equal(t, Duration(values...), Duration(values2...))
		second, err := AppendScript(nil, name2, values2...)
		require.NoError(t, err)
		require.Equal(t, first, second) // compare the bytes, since NaN is not equal to itself
	})
}
