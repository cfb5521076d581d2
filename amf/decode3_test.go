package amf

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	hexArrayCollection = "43 666c65782e6d6573736167696e672e696f2e4172726179436f6c6c656374696f6e"
	hexAbc             = "07 616263" // the string "abc", without marker
)

func TestDecodeAMF3(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		want []any
	}{
		{"nothing", "", nil},
		{"constants", "00 01 02 03", []any{Undefined, nil, false, true}},
		{"integer", "04 7f", []any{127.0}},
		{"integer in more bytes than needed", "04 80 01 04 80 80 80 01", []any{1.0, 1.0}},
		{"integer of the specification", "04 ffffffff 04 c0808000 04 bfffffff", []any{-1.0, -268435456.0, 268435455.0}},
		{"double", "05 3ff8000000000000", []any{1.5}},
		{"string", "06 " + hexAbc, []any{"abc"}},
		{"Latin-1 string kept byte for byte", "06 03 e9", []any{"\xe9"}},
		{"empty string is not in the table", "09 07 01  06 01  06 03 61  06 00", []any{[]any{"", "a", "a"}}},
		{"XML and XML document", "0b 03 61 07 03 62", []any{XML("a"), XMLDocument("b")}},
		{"date, spare bits ignored", "08 ff7f 3ff0000000000000", []any{time.UnixMilli(1).UTC()}},
		{"date NaN", "08 01 7ff8000000000000", []any{time.Time{}}},
		{"byte array", "0c 05 01ff 0c 01", []any{ByteArray{1, 255}, ByteArray{}}},
		{"empty array", "09 01 01", []any{[]any{}}},
		{"array with names", "09 01 03 61 01 01", []any{ECMAArray{{"a", nil}}}},
		{"array with both", "09 03 03 61 01 01 03", []any{ECMAArray{{"a", nil}, {"0", true}}}},
		{"object", "0a 0b 01 03 61 01 01", []any{Object{{"a", nil}}}},
		{"sealed anonymous object", "0a 13 01 03 61 01", []any{Object{{"a", nil}}}},
		{"sealed member without a name", "0a 13 01 01 01", []any{Object{{"", nil}}}},
		{"member name by reference", "0a 0b 01 03 61 06 00 01", []any{Object{{"a", "a"}}}},
		{"class name by reference", "09 05 01 06 03 41 0a 03 00", []any{[]any{"A", TypedObject{"A", Object{}}}}},
		{"dynamic class", "0a 1b 03 41 03 61 02 03 62 03 01", []any{TypedObject{"A", Object{{"a", false}, {"b", true}}}}},
		{"vectors", "0d 03 01 ffffffff 0e 03 00 ffffffff 0f 03 00 3ff8000000000000", []any{
			Vector[int32]{true, []int32{-1}}, Vector[uint32]{false, []uint32{math.MaxUint32}}, Vector[float64]{false, []float64{1.5}},
		}},
		{"vector of objects", "10 03 01 03 2a 01", []any{ObjectVector{"*", true, []any{nil}}}},
		{"dictionary", "11 03 01 04 01 06 03 61", []any{Dictionary{true, []DictionaryEntry{{1.0, "a"}}}}},
		{"ArrayCollection", "0a 07 " + hexArrayCollection + " 09 03 01 01",
			[]any{External{"flex.messaging.io.ArrayCollection", []any{nil}}}},
		{
			"everything but strings and numbers can be referred to",
			"09 1d 01 0801 0000000000000000 0b 03 61 07 03 62 0c 03 01 0d 01 00 11 01 00 0a 0b 01 01" +
				"08 02 0b 04 07 06 0c 08 0d 0a 11 0c 0a 0e",
			[]any{[]any{
				time.UnixMilli(0).UTC(), XML("a"), XMLDocument("b"), ByteArray{1}, Vector[int32]{Items: []int32{}},
				Dictionary{Entries: []DictionaryEntry{}}, Object{},
				time.UnixMilli(0).UTC(), XML("a"), XMLDocument("b"), ByteArray{1}, Vector[int32]{Items: []int32{}},
				Dictionary{Entries: []DictionaryEntry{}}, Object{},
			}},
		},
		{"tables begin again with each value", "06 03 61 09 05 01 06 03 62 06 00", []any{"a", []any{"b", "b"}}},
		{"string of an earlier value", "06 03 61 06 00", []any{"a", "a"}},
		{"object of an earlier value", "09 01 01 09 00", []any{[]any{}, []any{}}},
		{"traits of an earlier value", "0a 13 03 41 03 61 02 0a 01 03",
			[]any{TypedObject{"A", Object{{"a", false}}}, TypedObject{"A", Object{{"a", true}}}}},
		{"scope of the message, detected late", "09 05 01 06 03 61 06 03 62  09 05 01 06 03 63 06 00  06 04",
			[]any{[]any{"a", "b"}, []any{"c", "a"}, "c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeAMF3(unhex(tt.in))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeAMF3Malformed(t *testing.T) {
	const u28 = uint32(maxU28)
	for _, tt := range []struct {
		name   string
		in     string
		offset int
		value  any
		before []any
	}{
		{"unknown marker", "01 12", 1, byte(0x12), []any{nil}},
		{"integer cut", "04 80", 2, uint32(1), nil},
		{"integer cut before its last byte", "04 808080", 4, uint32(1), nil},
		{"double cut", "05 00", 1, uint32(8), nil},
		{"string longer than the input", "06 ffffffff 61", 5, u28, nil},
		{"string reference to nothing", "06 00", 1, uint32(0), nil},
		{"string reference to the empty string", "09 05 01 06 01 06 00", 6, uint32(0), nil},
		{"date cut", "08 01 00", 2, uint32(8), nil},
		{"date reference to nothing", "08 00", 0, uint32(0), nil},
		{"XML longer than the input", "0b ffffffff", 5, u28, nil},
		{"XML document longer than the input", "07 05 61", 2, uint32(2), nil},
		{"byte array longer than the input", "0c ffffffff 00", 5, u28, nil},
		{"array without end of names", "09 01 03 61 01", 5, uint32(1), nil},
		{"array of 2^28-1", "09 ffffffff 01", 0, u28, nil},
		{"array reference to nothing", "09 02", 0, uint32(1), nil},
		{"array inside itself", "09 03 01 09 00", 3, uint32(0), nil},
		{"object inside itself", "0a 0b 01 03 61 0a 00 01", 5, uint32(0), nil},
		{"dictionary that is its own key", "11 03 00 11 00 01", 3, uint32(0), nil},
		{"object reference to nothing", "0a 02", 0, uint32(1), nil},
		{"traits reference to nothing", "0a 01", 0, uint32(0), nil},
		{"sealed members beyond the input", "0a ffffff f3 01 00", 0, uint32(1<<25 - 1), nil},
		{"sealed name cut", "0a 13 01 05 61", 4, uint32(2), nil},
		{"sealed value missing", "0a 13 01 03 61", 5, uint32(1), nil},
		{"class name cut", "0a 03 05 41", 3, uint32(2), nil},
		{"dynamic members without end", "0a 0b 01 03 61 01", 6, uint32(1), nil},
		{"unknown externalizable class", "01 0a 07 03 58 01", 1, "X", []any{nil}},
		{"wrapper class without its value", "0a 07" + hexArrayCollection, 36, uint32(1), nil},
		{"int vector of 2^28-1", "0d ffffffff 00 00", 6, u28 * 4, nil},
		{"uint vector longer than the input", "0e 05 00 00000000", 3, uint32(8), nil},
		{"double vector of 2^28-1", "0f ffffffff 00", 6, u28 * 8, nil},
		{"vector without flag", "0d 01", 2, uint32(1), nil},
		{"object vector without flag", "10 01", 2, uint32(1), nil},
		{"object vector without type", "10 01 00", 3, uint32(1), nil},
		{"object vector of 2^28-1", "10 ffffffff 00 01 01", 0, u28, nil},
		{"dictionary of 2^28-1", "11 ffffffff 00 01 01", 0, u28, nil},
		{"dictionary of more than half as many entries as bytes", "11 05 00 01 01 01", 0, uint32(2), nil},
		{"dictionary without flag", "11 01", 2, uint32(1), nil},
		{"dictionary without its last value", "11 05 00 01 01 01 05", 7, uint32(8), nil},
		{"dictionary key of no type", "11 03 00 7f 01", 3, byte(0x7f), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := unhex(tt.in)
			got, err := DecodeAMF3(in)
			assert.Equal(t, tt.before, got)
			var decodeError *DecodeError
			require.ErrorAs(t, err, &decodeError)
			assert.Equal(t, tt.offset, decodeError.Offset, err)
			assert.Equal(t, tt.value, decodeError.Value, err)
			assert.NotEmpty(t, decodeError.Detail)
		})
	}
}

func TestErrorTextsAreFitForALog(t *testing.T) {
	class := "A\n" + strings.Repeat("x", 1000)
	in := append(appendU29([]byte{marker3Object, 7}, uint32(len(class))<<1|1), class...)
	_, err := DecodeAMF3(in)
	assert.EqualError(t, err, `amf: offset 0: unknown externalizable class: "A\n`+strings.Repeat("x", 62)+`"`)

	err = Assign(new(map[string]int), Object{{"a\nb\xff", "x"}})
	assert.EqualError(t, err, `amf: cannot store string in int at value."a\nb\xff": the types do not match`)
}

func TestAMF3InsideAMF0(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		want []any
	}{
		{
			"command message of object encoding 3",
			"02 0001 6d 00 3ff0000000000000 11 0a 0b 01 " + hexAbc + " 04 05 01",
			[]any{"m", 1.0, Object{{"abc", 5.0}}},
		},
		{"as a member", "03 0001 61 11 04 05 0001 62 05 000009", []any{Object{{"a", 5.0}, {"b", nil}}}},
		{"AMF0 references do not count AMF3 objects", "03 000009 11 09 01 01 0a 00000000 07 0001",
			[]any{Object{}, []any{}, []any{}, []any{}}},
		{"tables begin again", "11 06 03 61 11 09 05 01 06 03 62 06 00", []any{"a", []any{"b", "b"}}},
		{"scope of the message", "11 06 03 61 05 11 06 00", []any{"a", nil, "a"}},
		{"scope of the message, in one object", "03 0001 61 11 06 03 61 0001 62 11 06 00 000009",
			[]any{Object{{"a", "a"}, {"b", "a"}}}},
		{"scope of the message, detected late", "11 09 05 01 06 03 61 06 03 62  11 09 05 01 06 03 63 06 00  11 06 04",
			[]any{[]any{"a", "b"}, []any{"c", "a"}, "c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeAMF0(unhex(tt.in))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

// TestNoScopeHelps checks the error for a reference that has no target in the tables of its value or of the whole message.
func TestNoScopeHelps(t *testing.T) {
	values, err := DecodeAMF0(unhex("11 06 03 61 11 06 08"))
	assert.Equal(t, []any{"a"}, values)
	var decodeError *DecodeError
	require.ErrorAs(t, err, &decodeError)
	assert.Equal(t, 6, decodeError.Offset)
	assert.Equal(t, uint32(4), decodeError.Value)
}

// TestDecoderChangesScopeOnTheWay checks that a Decoder uses the tables of the whole message for later values.
func TestDecoderChangesScopeOnTheWay(t *testing.T) {
	d := NewAMF3Decoder(unhex("09 05 01 06 03 61 06 03 62  09 05 01 06 03 63 06 00  06 04 06 02"))
	var values []any
	for d.More() {
		v, err := d.Decode()
		require.NoError(t, err)
		values = append(values, v)
	}
	assert.Equal(t, []any{[]any{"a", "b"}, []any{"c", "c"}, "c", "b"}, values)
}

// TestChangingScopeCostsNothing checks that the budget is restored when decoding begins again with other tables.
func TestChangingScopeCostsNothing(t *testing.T) {
	array := "09 05 01 06 00 01" // [reference to string 0, null]
	d := NewAMF3Decoder(unhex("06 03 61" + array + array))
	d.SetMaxValues(7)
	var err error
	for err == nil && d.More() {
		_, err = d.Decode()
	}
	assert.NoError(t, err)
}

func TestAMF3DepthCountsWithAMF0(t *testing.T) {
	in := strings.Repeat("0a 00000001", 32) + "11" + strings.Repeat("09 03 01", 32) + "01"
	values, err := DecodeAMF0(unhex(in))
	require.NoError(t, err)
	_, err = AppendAMF0(nil, values...)
	require.NoError(t, err)

	_, err = DecodeAMF0(unhex("0a 00000001" + in))
	assert.ErrorContains(t, err, "nested deeper")
}
