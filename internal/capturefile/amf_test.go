package capturefile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

var unhex = conntest.Hex

// walked returns the calls that values makes for b: "text@arg.key" for a string, "name:" for a name, "#arg.key" for data, and "!" with the
// offset of the first invalid byte.
func walked(b []byte) (calls []string) {
	call := func(format string, args ...any) { calls = append(calls, fmt.Sprintf(format, args...)) }
	v := values{
		b:    b,
		text: func(at place, text []byte) { call("%s@%d.%s", text, at.arg, at.key) },
		name: func(name []byte) { call("%s:", name) },
		data: func(at place) { call("#%d.%s", at.arg, at.key) },
	}
	if !v.all() {
		call("!%d", v.off)
	}
	return calls
}

// TestValues checks that values finds every string with its place, and the end of each value.
func TestValues(t *testing.T) {
	const (
		zeros = "00 00 00 00 00 00 00 00"
		end   = "02 0001 7a" // the string "z", as the next value
		x, y  = "06 03 78", "06 03 79"
	)
	nested := func(begin string, n int, inner string) string { return strings.Repeat(begin, n) + inner }
	for _, test := range []struct{ name, values, want string }{
		{"nothing", "", ""},
		{"string", "02 0003 616263" + end, "abc@0. z@1."},
		{"number", "00" + zeros + end, "#0. z@1."},
		{"date", "0b" + zeros + "0000" + end, "#0. z@1."},
		{"boolean, null, undefined, unsupported, reference", "0101 05 06 0d 07 0001" + end, "z@5."},
		{"long string, XML", "0c 00000001 78 0f 00000001 79" + end, "x@0. y@1. z@2."},
		{"object", "03 0001 61 02 0001 62 0001 63 02 0001 64 0000 09" + end, "a: b@0.a c: d@0.c z@1."},
		{"empty name", "03 0000 02 0001 62 0000 09" + end, ": b@0. z@1."},
		{"ECMA array", "08 00000001 0001 61 02 0001 62 0000 09" + end, "a: b@0.a z@1."},
		{"typed object", "10 0001 63 0001 61 02 0001 62 0000 09" + end, "a: b@0.a z@1."},
		{"list", "0a 00000002 02 0001 78 02 0001 79" + end, "x@0. y@0. z@1."},
		{"list in an object", "03 0001 61 0a 00000001 02 0001 78 0000 09" + end, "a: x@0.a z@1."},
		{"many beside each other", "0a 00000064" + strings.Repeat("05", 100) + end, "z@1."},
		{"as deep as may be", nested("0a 00000001", maxDepth-1, "05") + end, "z@1."},
		{"too deep", nested("0a 00000001", maxDepth, "05") + end, "!320"},

		{"string cut", "02 0005 6162", "!3"},
		{"length cut", "02 00", "!1"},
		{"long string cut", "0c 00000005 6162", "!5"},
		{"number cut", "00 000000", "#0. !1"},
		{"list cut", "0a 00000002 02 0001 78", "x@0. !9"},
		{"length of a list cut", "0a 0000", "!1"},
		{"object cut", "03 0001 61 05", "a: !5"},
		{"object that does not end", "03 0000", ": !3"},
		{"unknown type", end + "04", "z@0. !5"},

		{"AMF3: undefined, null, false, true", "11 00 11 01 11 02 11 03" + end, "z@4."},
		{"AMF3: integers of all sizes", "11 04 7f 11 04 81 00 11 04 81 80 00 11 04 ff ff ff ff" + end, "#0. #1. #2. #3. z@4."},
		{"AMF3: double", "11 05" + zeros + end, "#0. z@1."},
		{"AMF3: date", "11 08 01" + zeros + end, "#0. z@1."},
		{"AMF3: strings", "11 09 07 01 06 07 616263 06 01 06 00" + end, "abc@0. z@1."}, // an inline string, the empty string, a reference
		{"AMF3: long string", "11 06 81 49" + strings.Repeat("78", 100) + end, strings.Repeat("x", 100) + "@0. z@1."},
		{"AMF3: XML and bytes", "11 07 03 78 11 0b 03 79 11 0c 03 77 11 0c 01" + end, "x@0. y@1. w@2. @3. z@4."},
		{"AMF3: array with names", "11 09 03 03 61" + x + "01" + y + end, "a: x@0.a y@0. z@1."},
		{"AMF3: dynamic object", "11 0a 0b 01 03 61" + x + "03 62" + y + "01" + end, "a: x@0.a b: y@0.b z@1."},
		{"AMF3: name by reference", "11 0a 0b 01 03 61" + x + "00" + y + "01" + end, "a: x@0.a y@0.a z@1."},
		{"AMF3: name by a reference to nowhere", "11 0a 0b 01 03 61" + x + "04" + y + "01" + end, "a: x@0.a y@0.? z@1."},
		{"AMF3: name of an earlier value", "11" + x + "11 0a 0b 01 00" + y + "01" + end, "x@0. y@1.? z@2."},
		{"AMF3: classes", "11 09 05 01 0a 23 03 43 03 61 03 62" + x + y + "0a 01" + x + y + end, "a: b: x@0.a y@0.b x@0.a y@0.b z@1."},
		{"AMF3: class with more", "11 0a 1b 01 03 61" + x + "03 62" + y + "01" + end, "a: x@0.a b: y@0.b z@1."},
		{"AMF3: objects by reference", "11 09 07 01 0a 0b 01 01 0a 02 09 00" + end, "z@1."},
		{"AMF3: vectors of integers", "11 0d 05 00" + zeros + "11 0e 05 00" + zeros + end, "#0. #1. z@2."},
		{"AMF3: vector of doubles", "11 0f 05 00" + zeros + zeros + end, "#0. z@1."},
		{"AMF3: vector of objects", "11 10 05 00 01" + x + y + end, "x@0. y@0. z@1."},
		{"AMF3: dictionary", "11 11 05 00" + x + y + y + x + end, "x@0. y@0. y@0. x@0. z@1."},
		{"AMF3: many beside each other", "11 09 81 49 01" + strings.Repeat("01", 100) + end, "z@1."},
		{"AMF3: as deep as may be", "11" + nested("090301", maxDepth-2, "01") + end, "z@1."},

		{"AMF3: too deep", "11" + nested("090301", maxDepth-1, "01") + end, "!190"},
		{"AMF3: nothing", "11", "!1"},
		{"AMF3: integer cut", "11 04 ff ff ff", "!5"},
		{"AMF3: string cut", "11 06 07 6162", "!3"},
		{"AMF3: bytes cut", "11 0c 07 6162", "!3"},
		{"AMF3: array cut", "11 09 05 01" + x, "x@0. !7"},
		{"AMF3: array without names cut", "11 09 05", "!3"},
		{"AMF3: object cut", "11 0a 0b 01 03 61", "a: !6"},
		{"AMF3: class cut", "11 0a 23 01 03 61", "a: !6"},
		{"AMF3: vector cut", "11 0d 05 00 00000000", "#0. !4"},
		{"AMF3: longest vectors", "11 0d ff ff ff ff 00", "#0. !7"},
		{"AMF3: longest vector of doubles", "11 0f ff ff ff ff 00", "#0. !7"},
		{"AMF3: vector of objects cut", "11 10 05", "!3"},
		{"AMF3: dictionary cut", "11 11 03 00" + x, "x@0. !7"},
		{"AMF3: an object that is not there yet", "11 09 05 01 0a 02" + x, "!6"},
		{"AMF3: a class that is not there yet", "11 0a 01" + x, "!3"},
		{"AMF3: a class with an encoding of its own", "11 0a 07 01" + x, "!3"},
		{"AMF3: unknown type", "11 12 01", "!3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := unhex(test.values)
			assert.Equal(t, test.want, strings.Join(walked(b[:len(b):len(b)]), " "))
		})
	}
}
