package amf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	amf0 "github.com/yutopp/go-amf0"
)

type (
	namedBool  bool
	namedTime  time.Time
	namedList  []any
	namedBytes []byte
	loop       *loop
	statusInfo struct {
		Code    string `amf0:"code"`
		Level   string `amf0:"level"`
		Skipped string `amf0:"-"`
		Count   *int   `amf0:"count"`
		Plain   bool
		Next    *statusInfo `amf0:"next"`
		Extra   any         `amf0:"extra"`
	}
)

func TestAssign(t *testing.T) {
	date := time.UnixMilli(1e12).UTC()
	status := Object{{"code", "c"}, {"count", 3.0}, {"Plain", true}, {"unknown", "x"}, {"Skipped", "x"}, {"-", "x"}}
	wantStatus := statusInfo{Code: "c", Count: pointerTo(3), Plain: true}

	for _, tt := range []struct {
		name  string
		value any
		want  any // expected result; its type is that of the destination
	}{
		{"number", 1.5, 1.5},
		{"number in float32", 0.5, float32(0.5)},
		{"infinity in float32", math.Inf(1), float32(math.Inf(1))},
		{"number in int", -3.0, -3},
		{"least int8", -128.0, int8(-128)},
		{"greatest uint8", 255.0, uint8(255)},
		{"least int64", -0x1p63, int64(math.MinInt64)},
		{"great uint64", 0x1p63, uint64(1 << 63)},
		{"minus zero in uint", math.Copysign(0, -1), uint(0)},
		{"number in named type", 7.0, namedNumber(7)},
		{"boolean", true, true},
		{"boolean in named type", true, namedBool(true)},
		{"string", "a", "a"},
		{"string in named type", "a", namedString("a")},
		{"string in XML", "<a/>", XML("<a/>")},
		{"XML in string", XML("<a/>"), "<a/>"},
		{"date", date, date},
		{"date in named type", date, namedTime(date)},
		{"pointer", 1.0, pointerTo(1)},
		{"pointer to pointer", 1.0, pointerTo(pointerTo(1))},
		{"null in pointer", nil, (*int)(nil)},
		{"null in int", nil, 0},
		{"null in map", nil, map[string]int(nil)},
		{"undefined in pointer", Undefined, (*int)(nil)},
		{"undefined in string", Undefined, ""},
		{"undefined", Undefined, Undefined},
		{"object", status, status},
		{"object in struct", status, wantStatus},
		{"ECMA array in struct", ECMAArray(status), wantStatus},
		{"typed object in struct", TypedObject{"A", status}, wantStatus},
		{"object in pointer to struct", status, &wantStatus},
		{"last of repeated names", Object{{"code", "a"}, {"code", "b"}}, statusInfo{Code: "b"}},
		{"field found by its Go name", Object{{"Code", "a"}}, statusInfo{Code: "a"}},
		{"names are case-sensitive", Object{{"CODE", "a"}, {"plain", true}}, statusInfo{}},
		{"nested", Object{{"next", Object{{"next", nil}, {"code", "n"}}}}, statusInfo{Next: &statusInfo{Code: "n"}}},
		{"undefined in interface", Object{{"extra", Undefined}}, statusInfo{Extra: Undefined}},
		{"object in interface", Object{{"extra", status}}, statusInfo{Extra: status}},
		{"object in map", Object{{"a", 1.0}, {"b", 2.0}}, map[string]int{"a": 1, "b": 2}},
		{"object in named map", Object{{"a", 1.0}}, namedMap{"a": 1}},
		{"object in map of any", Object{{"a", nil}}, map[string]any{"a": nil}},
		{"object in ECMA array", Object{{"a", nil}}, ECMAArray{{"a", nil}}},
		{"object in typed object", Object{{"a", nil}}, TypedObject{Object: Object{{"a", nil}}}},
		{"object in named object", Object{{"a", nil}}, namedObject{{"a", nil}}},
		{"typed object in object", TypedObject{"A", Object{{"a", nil}}}, Object{{"a", nil}}},
		{"strict array", []any{1.0, "a"}, []any{1.0, "a"}},
		{"strict array in named list", []any{1.0}, namedList{1.0}},
		{"strict array in slice", []any{1.0, 2.0}, []int8{1, 2}},
		{"strict array in array", []any{1.0, nil}, [2]float64{1, 0}},
		{"empty strict array", []any{}, []string{}},
		{"objects in slice of structs", []any{Object{{"code", "a"}}}, []statusInfo{{Code: "a"}}},
		{"XML document in string", XMLDocument("a"), "a"},
		{"byte array", ByteArray{1, 2}, ByteArray{1, 2}},
		{"byte array in bytes", ByteArray{1, 2}, []byte{1, 2}},
		{"byte array in named bytes", ByteArray{1}, namedBytes{1}},
		{"bytes in named bytes", []byte{1}, namedBytes{1}},
		{"vector of int", Vector[int32]{Items: []int32{-1}}, []int{-1}},
		{"vector of uint", Vector[uint32]{Items: []uint32{1}}, []uint8{1}},
		{"vector of double", Vector[float64]{Items: []float64{0.5}}, [1]float32{0.5}},
		{"vector of objects", ObjectVector{Items: []any{Object{{"code", "c"}}}}, []statusInfo{{Code: "c"}}},
		{"dictionary in map", Dictionary{Entries: []DictionaryEntry{{1.0, "a"}, {2.0, "b"}}}, map[int]string{1: "a", 2: "b"}},
		{"dictionary in map of any", Dictionary{Entries: []DictionaryEntry{{1.0, nil}, {"k", true}}}, map[any]any{1.0: nil, "k": true}},
		{"external in the type of its value", External{"A", []any{1.0}}, []int{1}},
		{"AVMPlus in the type of its value", AVMPlus{1}, 1},
		{"a value of a type that decoding never produces", 5, uint8(5)},
		{"another, inside", Object{{"a", []string{"s"}}}, map[string][]string{"a": {"s"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := reflect.New(reflect.TypeOf(tt.want))
			require.NoError(t, Assign(dst.Interface(), tt.value))
			assert.Equal(t, tt.want, dst.Elem().Interface())

			var untyped any
			require.NoError(t, Assign(&untyped, tt.value))
			assert.Equal(t, tt.value, untyped)
		})
	}
}

func TestAssignRefuses(t *testing.T) {
	var nilPointer *int
	cyclic := map[string]any{}
	cyclic["next"] = cyclic
	cyclicExternal := &External{}
	cyclicExternal.Value = cyclicExternal
	number := Object{{"next", Object{{"count", 1.5}}}}

	for _, tt := range []struct {
		name   string
		dst    any
		value  any
		path   string
		detail string
	}{
		{"no pointer", 1, 1.0, "", "must be a non-nil pointer"},
		{"nil", nil, 1.0, "", "must be a non-nil pointer"},
		{"nil pointer", nilPointer, 1.0, "", "must be a non-nil pointer"},
		{"fraction in int", new(int), 1.5, "", "not a whole number"},
		{"fraction in uint", new(uint), 1.5, "", "not a whole number"},
		{"NaN in int", new(int), math.NaN(), "", "not a whole number"},
		{"NaN in uint", new(uint8), math.NaN(), "", "not a whole number"},
		{"infinity in int", new(int64), math.Inf(1), "", "out of range"},
		{"infinity in uint", new(uint64), math.Inf(1), "", "out of range"},
		{"minus infinity in int", new(int64), math.Inf(-1), "", "out of range"},
		{"256 in uint8", new(uint8), 256.0, "", "out of range"},
		{"negative in uint", new(uint), -1.0, "", "out of range"},
		{"128 in int8", new(int8), 128.0, "", "out of range"},
		{"2^63 in int64", new(int64), 0x1p63, "", "out of range"},
		{"below -2^63 in int64", new(int64), -0x1.0000000000001p63, "", "out of range"},
		{"2^64 in uint64", new(uint64), 0x1p64, "", "out of range"},
		{"1e300 in float32", new(float32), 1e300, "", "out of range"},
		{"number in string", new(string), 1.0, "", "types do not match"},
		{"string in number", new(int), "1", "", "types do not match"},
		{"boolean in number", new(int), true, "", "types do not match"},
		{"string in struct", new(statusInfo), "a", "", "types do not match"},
		{"string in date", new(time.Time), "a", "", "types do not match"},
		{"date in number", new(float64), time.Time{}, "", "types do not match"},
		{"date in struct", new(statusInfo), time.Time{}, "", "types do not match"},
		{"object in date", new(time.Time), Object{}, "", "types do not match"},
		{"object in slice", new([]int), Object{}, "", "types do not match"},
		{"object in map with other keys", new(map[int]any), Object{}, "", "types do not match"},
		{"object in interface with methods", new(fmt.Stringer), Object{}, "", "types do not match"},
		{"strict array in map", new(map[string]any), []any{}, "", "types do not match"},
		{"strict array in shorter array", new([1]any), []any{nil, nil}, "", "a different length"},
		{"strict array in object", new(Object), []any{}, "", "types do not match"},
		{"pointer without end", new(loop), 1.0, "", "too many pointers"},
		{"in a field", new(statusInfo), number, ".next.count", "not a whole number"},
		{"in a map of slices", new(map[string][]int), Object{{"a", []any{1.0, "x"}}}, ".a[1]", "types do not match"},
		{"byte array in string", new(string), ByteArray{}, "", "types do not match"},
		{"byte array in numbers", new([]int), ByteArray{}, "", "types do not match"},
		{"vector in number", new(int), Vector[int32]{}, "", "types do not match"},
		{"fraction in a vector", new([]int), Vector[float64]{Items: []float64{1, 1.5}}, "[1]", "not a whole number"},
		{"dictionary in struct", new(statusInfo), Dictionary{}, "", "types do not match"},
		{"dictionary key", new(map[string]any), Dictionary{Entries: []DictionaryEntry{{1.0, nil}}}, "[0]", "types do not match"},
		{"dictionary value", new(map[any]int), Dictionary{Entries: []DictionaryEntry{{1.0, "a"}}}, "[0]", "types do not match"},
		{"dictionary with an object as key", new(map[any]any), Dictionary{Entries: []DictionaryEntry{{Object{}, nil}}}, "[0]", "not usable as a map key"},
		{"cyclic external", new(int), cyclicExternal, "", "nested deeper"},
		{"cyclic", new(statusInfo), cyclic, strings.Repeat(".next", MaxDepth), "nested deeper"},
		{"not AMF", new(statusInfo), Object{{"code", make(chan int)}}, ".code", "without an AMF form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Assign(tt.dst, tt.value)
			var assignError *AssignError
			require.ErrorAs(t, err, &assignError)
			assert.Equal(t, tt.path, assignError.Path)
			assert.Contains(t, assignError.Detail, tt.detail)
		})
	}
}

func TestAssignCyclicList(t *testing.T) {
	type tree []tree
	list := make([]any, 1)
	list[0] = list
	assert.ErrorContains(t, Assign(new(tree), list), "nested deeper")
}

func TestAssignErrorText(t *testing.T) {
	err := Assign(new(statusInfo), Object{{"next", Object{{"count", 1.5}}}})
	assert.EqualError(t, err, "amf: cannot store number 1.5 in int at value.next.count: not a whole number")

	for want, value := range map[string]any{
		"null":              nil,
		"boolean":           true,
		"string":            "secret",
		"object":            Object{{"password", "secret"}},
		"ECMA array":        ECMAArray{{"password", "secret"}},
		"typed object":      TypedObject{"A", Object{{"password", "secret"}}},
		"strict array of 1": []any{"secret"},
		"date":              time.Time{},
		"amf.XML":           XML("secret"),
	} {
		assert.Equal(t, "amf: cannot store "+want+" in chan int at value: x",
			(&AssignError{Detail: "x", Value: value, Type: reflect.TypeFor[chan int]()}).Error())
	}
}

func TestAssignLeavesTheRestAsItIs(t *testing.T) {
	count := 1
	status := statusInfo{Code: "old", Level: "kept", Count: &count, Next: &statusInfo{Level: "kept too"}}
	require.NoError(t, Assign(&status, Object{{"code", "new"}, {"count", 2.0}, {"next", Object{{"code", "n"}}}}))
	assert.Equal(t, statusInfo{
		Code: "new", Level: "kept", Count: &count, Next: &statusInfo{Code: "n", Level: "kept too"},
	}, status)
	assert.Equal(t, 2, count, "an existing pointer is followed")

	m := map[string]int{"a": 1, "b": 2}
	require.NoError(t, Assign(&m, Object{{"b", 3.0}}))
	assert.Equal(t, map[string]int{"a": 1, "b": 3}, m)

	list := []int{7, 8, 9}
	require.NoError(t, Assign(&list, []any{1.0}))
	assert.Equal(t, []int{1}, list)
}

func TestMarshalUnmarshal(t *testing.T) {
	type connect struct {
		App      string    `amf0:"app"`
		Caps     uint32    `amf0:"capabilities"`
		Codecs   []string  `amf0:"fourCcList,omitempty"`
		Since    time.Time `amf0:"since"`
		Fallback any       `amf0:"fallback"`
	}
	in := connect{"live", 239, []string{"hvc1", "av01"}, time.UnixMilli(5).UTC(), Object{{"a", 1.0}}}
	b, err := Marshal(in)
	require.NoError(t, err)
	var out connect
	require.NoError(t, Unmarshal(b, &out))
	assert.Equal(t, in, out)

	_, err = Marshal(make(chan int))
	assert.ErrorAs(t, err, new(*EncodeError))
	assert.ErrorAs(t, Unmarshal(nil, &out), new(*DecodeError))
	assert.ErrorAs(t, Unmarshal([]byte{markerNull, markerNull}, &out), new(*DecodeError))
	assert.ErrorAs(t, Unmarshal([]byte{markerBoolean, 1}, &out), new(*AssignError))
}

// TestOracleAgreesOnUnmarshal checks that Unmarshal fills a struct from an object as go-amf0 does.
func TestOracleAgreesOnUnmarshal(t *testing.T) {
	type inner struct {
		N    float32
		Text string `amf0:"text"`
	}
	type outer struct {
		Int   int16             `amf0:"int"`
		Uint  uint64            `amf0:"uint"`
		Inner inner             `amf0:"inner"`
		Map   map[string]string `amf0:"map"`
		List  []bool            `amf0:"list"`
		When  time.Time         `amf0:"when"`
		Any   any               `amf0:"any"`
		Go    string            `amf0:"other"`
	}
	b, err := Marshal(Object{
		{"int", -5.0}, {"uint", 1e12}, {"inner", Object{{"N", 0.25}, {"text", "t"}, {"more", "m"}}},
		{"map", Object{{"k", "v"}}}, {"list", []any{true, false}}, {"when", time.Unix(99, 0)},
		{"any", "s"}, {"Go", "by Go name"}, {"int2", nil},
	})
	require.NoError(t, err)
	var ours, theirs outer
	require.NoError(t, amf0.NewDecoder(bytes.NewReader(b)).Decode(&theirs))
	require.NoError(t, Unmarshal(b, &ours))
	assert.Equal(t, theirs, ours)
}

// FuzzUnmarshal checks that storing a decoded value never panics, and that a struct survives encoding and decoding.
func FuzzUnmarshal(f *testing.F) {
	type target struct {
		Text    string            `amf0:"a"`
		Number  int8              `amf0:"b"`
		Pointer *uint16           `amf0:"c"`
		Map     map[string]string `amf0:"d"`
		List    []target          `amf0:"e"`
		Any     any               `amf0:"f"`
		When    *time.Time        `amf0:"g"`
		Typed   *TypedObject      `amf0:"h"`
		Ordered ECMAArray         `amf0:"i"`
		Pair    [2]bool           `amf0:"j"`
	}
	for _, seed := range []any{
		nil, target{}, Object{{"a", "x"}, {"b", 1.0}, {"c", 2.0}, {"d", Object{{"k", "v"}}}},
		Object{{"e", []any{Object{{"a", "y"}}, Object{}}}, {"f", []any{Undefined}}, {"g", time.UnixMilli(0)}},
		Object{{"h", Object{{"m", nil}}}, {"i", Object{{"m", nil}}}, {"j", []any{true, false}}},
		TypedObject{"T", Object{{"a", 1.0}}},
	} {
		b, err := Marshal(seed)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first target
		if err := Unmarshal(b, &first); err != nil {
			if !errors.As(err, new(*DecodeError)) {
				require.ErrorAs(t, err, new(*AssignError))
			}
			return
		}
		once, err := Marshal(first)
		require.NoError(t, err)
		var second target
		require.NoError(t, Unmarshal(once, &second))
		twice, err := Marshal(second)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

// TestAssignDepth checks that Assign accepts containers of every kind nested to MaxDepth, and no deeper.
func TestAssignDepth(t *testing.T) {
	type byName map[string]byName
	type list []list
	type byEntry map[string]byEntry
	type byKey map[*byKey]bool
	for name, test := range map[string]struct {
		dst    any
		around func(v any) any
	}{
		"maps":         {new(byName), func(v any) any { return Object{{"x", v}} }},
		"lists":        {new(list), func(v any) any { return []any{v} }},
		"externals":    {new(int), func(v any) any { return External{"c", v} }},
		"AVM+":         {new(int), func(v any) any { return AVMPlus{v} }},
		"dictionaries": {new(byEntry), func(v any) any { return Dictionary{Entries: []DictionaryEntry{{"x", v}}} }},
		"their keys":   {new(byKey), func(v any) any { return Dictionary{Entries: []DictionaryEntry{{v, true}}} }},
	} {
		t.Run(name, func(t *testing.T) {
			var value any
			for range MaxDepth {
				value = test.around(value)
			}
			require.NoError(t, Assign(test.dst, value))
			var deep *AssignError
			require.ErrorAs(t, Assign(test.dst, test.around(value)), &deep)
			assert.Contains(t, deep.Error(), "nested deeper")
		})
	}
}

func TestLongestKey(t *testing.T) {
	for length, want := range map[int]int{maxShortString - 1: maxShortString - 1, maxShortString: maxShortString, maxShortString + 1: maxShortString} {
		b := AppendKey(nil, strings.Repeat("x", length))
		assert.Len(t, b, 2+want)
		assert.EqualValues(t, want, binary.BigEndian.Uint16(b))
	}
}

func TestBudget(t *testing.T) {
	b := budget{valuesLeft: 2}
	require.NoError(t, b.charge(2, 0))
	require.Error(t, b.charge(1, 0))
	require.NoError(t, b.chargeReferred(maxReferredBytes-1, 0))
	require.NoError(t, b.chargeReferred(1, 0))
	require.Error(t, b.chargeReferred(1, 0))
}
