package amf

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type tagged struct {
	Code   string `amf0:"code"`
	Level  string `amf0:"level,omitempty"`
	Local  string `amf0:"-"`
	Plain  bool
	hidden int
}

type wrapper struct {
	tagged         // unexported: left out
	Inner  *tagged `amf0:"inner"`
	Any    any     `amf0:"any"`
	When   time.Time
}

type Exported struct{ N int8 }

type embedding struct{ Exported }

type (
	namedString  string
	namedNumber  uint16
	namedObject  Object
	namedMap     map[namedString]int
	selfPointer  *selfPointer
	linkedStruct struct{ Next *linkedStruct }
)

func pointerTo[T any](v T) *T { return &v }

func TestAppendAMF0(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"null", nil, "05"},
		{"nil pointer", (*int)(nil), "05"},
		{"nil map", map[string]any(nil), "05"},
		{"nil slice", []int(nil), "05"},
		{"nil Object is empty", Object(nil), "03 000009"},
		{"nil ECMAArray is empty", ECMAArray(nil), "08 00000000 000009"},
		{"undefined", Undefined, "06"},
		{"pointer to undefined", pointerTo(Undefined), "06"},
		{"int", 1, "00 3ff0000000000000"},
		{"negative int64", int64(-1), "00 bff0000000000000"},
		{"uint8", uint8(2), "00 4000000000000000"},
		{"uint64", uint64(math.MaxUint64), "00 43f0000000000000"},
		{"float32", float32(0.5), "00 3fe0000000000000"},
		{"named number", namedNumber(1), "00 3ff0000000000000"},
		{"minus zero", math.Copysign(0, -1), "00 8000000000000000"},
		{"bool", true, "01 01"},
		{"string", "é", "02 0002 c3a9"},
		{"named string", namedString("a"), "02 0001 61"},
		{"XML", XML("<a/>"), "0f 00000004 3c612f3e"},
		{"pointer to XML", pointerTo(XML("")), "0f 00000000"},
		{"date", time.UnixMilli(1).In(time.FixedZone("", 3600)), "0b 3ff0000000000000 0000"},
		{"pointer to date", pointerTo(time.UnixMilli(0)), "0b 0000000000000000 0000"},
		{"date, finer than milliseconds", time.Unix(0, 1_999_999), "0b 3ff0000000000000 0000"},
		{"zero date", time.Time{}, "0b c2cc4189166c0000 0000"},
		{"object", Object{{"a", nil}, {"", nil}}, "03 0001 61 05 0000 05 000009"},
		{"named object", namedObject{{"a", nil}}, "03 0001 61 05 000009"},
		{"pointer to object", &Object{{"a", nil}}, "03 0001 61 05 000009"},
		{"ECMA array", ECMAArray{{"a", nil}}, "08 00000001 0001 61 05 000009"},
		{"pointer to ECMA array", &ECMAArray{}, "08 00000000 000009"},
		{"typed object", TypedObject{"A", Object{{"a", nil}}}, "10 0001 41 0001 61 05 000009"},
		{"pointer to typed object", &TypedObject{Class: "A"}, "10 0001 41 000009"},
		{"strict array", []any{nil, true}, "0a 00000002 05 0101"},
		{"slice of strings", []string{"a"}, "0a 00000001 02 0001 61"},
		{"array", [1]bool{true}, "0a 00000001 0101"},
		{"bytes as numbers", []byte{1}, "0a 00000001 00 3ff0000000000000"},
		{"map sorted by name", map[string]any{"b": nil, "a": true}, "03 0001 61 0101 0001 62 05 000009"},
		{"named map", namedMap{"a": 1}, "03 0001 61 00 3ff0000000000000 000009"},
		{
			"struct", tagged{Code: "c", Local: "l", hidden: 1},
			"03 0004 636f6465 02 0001 63 0005 506c61696e 0100 000009",
		},
		{
			"nested struct", wrapper{Inner: &tagged{Level: "x"}, When: time.UnixMilli(0)},
			"03 0005 696e6e6572 03 0004 636f6465 02 0000 0005 6c6576656c 02 0001 78 0005 506c61696e 0100 000009" +
				"0003 616e79 05 0004 5768656e 0b 0000000000000000 0000 000009",
		},
		{"embedded struct is a member", embedding{}, "03 0008 4578706f72746564 03 0001 4e 00 0000000000000000 000009 000009"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendAMF0([]byte{0xee}, tt.value)
			require.NoError(t, err)
			assert.Equal(t, unhex("ee"+tt.want), got)
		})
	}
}

func TestAppendAMF0Refuses(t *testing.T) {
	selfMap := map[string]any{}
	selfMap["self"] = selfMap
	selfSlice := make([]any, 1)
	selfSlice[0] = selfSlice
	selfStruct := &linkedStruct{}
	selfStruct.Next = selfStruct
	var pointer selfPointer
	pointer = &pointer
	var boxed any
	boxed = &boxed

	for _, tt := range []struct {
		name  string
		value any
		path  string
	}{
		{"channel", make(chan int), "[1]"},
		{"function in a struct", struct{ F func() }{func() {}}, "[1].F"},
		{"complex in a slice in an object", Object{{"o", []complex64{0}}}, "[1].o[0]"},
		{"map with other keys", map[int]int{}, "[1]"},
		{"name too long", Object{{strings.Repeat("n", 65536), nil}}, "[1]"},
		{"class name too long", TypedObject{Class: strings.Repeat("n", 65536)}, "[1]"},
		{"date too late", time.Date(275760, 9, 13, 0, 0, 0, 1e6, time.UTC), "[1]"},
		{"date too early", time.Date(-271822, 1, 1, 0, 0, 0, 0, time.UTC), "[1]"},
		{"date beyond milliseconds", time.Unix(math.MaxInt64, 0), "[1]"},
		{"cyclic map", selfMap, "[1]" + strings.Repeat(".self", MaxDepth)},
		{"cyclic slice", selfSlice, "[1]" + strings.Repeat("[0]", MaxDepth)},
		{"cyclic struct", selfStruct, "[1]" + strings.Repeat(".Next", MaxDepth)},
		{"cyclic pointer", pointer, "[1]"},
		{"cyclic interface", boxed, "[1]"},
		{"long names are cut", Object{{strings.Repeat("n", 1000), make(chan int)}}, "[1]." + strings.Repeat("n", 64) + "..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := []byte{1, 2, 3}
			got, err := AppendAMF0(dst, "fine", tt.value)
			assert.Equal(t, dst, got)
			var encodeError *EncodeError
			require.ErrorAs(t, err, &encodeError)
			assert.Equal(t, tt.path, encodeError.Path)
			assert.NotEmpty(t, encodeError.Detail)
		})
	}
}

func TestEncodeErrorText(t *testing.T) {
	_, err := AppendAMF0(nil, 1, Object{{"info", map[int]int{}}})
	assert.EqualError(t, err, "amf: cannot encode [1].info: map keys must be strings: map[int]int")

	longest := strings.Repeat("x", maxShownName)
	assert.Equal(t, "."+longest, memberStep(longest))
	assert.Equal(t, "."+longest+"...", memberStep(longest+"x"))
}

func TestDateRangeEnds(t *testing.T) {
	for _, ms := range []int64{-8.64e15, 8.64e15} {
		date := time.UnixMilli(ms).UTC()
		b, err := AppendAMF0(nil, date)
		require.NoError(t, err)
		back, err := DecodeAMF0(b)
		require.NoError(t, err)
		assert.Equal(t, []any{date}, back)
	}
}

func TestDepthLimitIsTheSameInBothDirections(t *testing.T) {
	nested := func(levels int) any {
		var v any
		for range levels {
			v = []any{v}
		}
		return v
	}
	b, err := AppendAMF0(nil, nested(MaxDepth))
	require.NoError(t, err)
	back, err := DecodeAMF0(b)
	require.NoError(t, err)
	assert.Equal(t, []any{nested(MaxDepth)}, back)

	_, err = AppendAMF0(nil, nested(MaxDepth+1))
	assert.Error(t, err)
	_, err = DecodeAMF0(append([]byte{markerStrictArray, 0, 0, 0, 1}, b...))
	assert.Error(t, err)
}

func TestOmitEmptyLeavesOutWhatJSONWould(t *testing.T) {
	type options struct {
		Text    string         `amf0:"text,omitempty"`
		Number  float64        `amf0:"number,omitempty"`
		Flag    bool           `amf0:"flag,omitempty"`
		List    []int          `amf0:"list,omitempty"`
		Array   [0]int         `amf0:"array,omitempty"`
		Map     map[string]int `amf0:"map,omitempty"`
		Pointer *int           `amf0:"pointer,omitempty"`
		Any     any            `amf0:",omitempty"`
		Struct  struct{}       `amf0:"struct,omitempty"`
		When    time.Time      `amf0:"when,omitempty"`
	}
	names := func(o options) (names []string) {
		b, err := AppendAMF0(nil, o)
		require.NoError(t, err)
		values, err := DecodeAMF0(b)
		require.NoError(t, err)
		for _, m := range values[0].(Object) {
			names = append(names, m.Name)
		}
		return names
	}
	assert.Equal(t, []string{"struct", "when"}, names(options{}))
	assert.Equal(t, []string{"text", "number", "flag", "list", "map", "pointer", "Any", "struct", "when"}, names(options{
		Text: "a", Number: 1, Flag: true, List: []int{0}, Map: map[string]int{"": 0}, Pointer: new(int), Any: 0,
	}))
}

func TestAppendersMatchAppendAMF0(t *testing.T) {
	want, err := AppendAMF0(nil, "m", 1.5, true, false, nil, Undefined,
		Object{{"o", 1.0}}, ECMAArray{{"e", 2.0}}, []any{"s"}, strings.Repeat("x", 65536))
	require.NoError(t, err)

	got := AppendString(nil, "m")
	got = AppendNumber(got, 1.5)
	got = AppendBoolean(AppendBoolean(got, true), false)
	got = AppendUndefined(AppendNull(got))
	got = AppendObjectEnd(AppendNumber(AppendKey(AppendObjectStart(got), "o"), 1))
	got = AppendObjectEnd(AppendNumber(AppendKey(AppendECMAArrayStart(got, 1), "e"), 2))
	got = AppendString(AppendStrictArrayStart(got, 1), "s")
	got = AppendString(got, strings.Repeat("x", 65536))
	assert.Equal(t, want, got)
}

func TestAppendKeyCutsWhatDoesNotFit(t *testing.T) {
	got := AppendKey(nil, strings.Repeat("k", 70000))
	assert.Len(t, got, 2+65535)
	assert.Equal(t, []byte{0xff, 0xff, 'k'}, got[:3])
}

func TestAppendersDoNotAllocate(t *testing.T) {
	buffer := make([]byte, 0, 256)
	onMetaData := ECMAArray{{"duration", 1.5}, {"stereo", true}, {"encoder", "x"}, {"none", nil}}
	var value any = onMetaData
	values := []any{"onMetaData", value, 1.0}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		b := AppendString(buffer[:0], "publish")
		b = AppendNull(AppendNumber(b, 5))
		b = AppendObjectEnd(AppendBoolean(AppendKey(AppendObjectStart(b), "k"), true))
		_, _ = AppendAMF0(b, values...)
	}))
}
