package server

import (
	"math"

	"github.com/go-librtmp/rtmp/amf"
)

// number returns a numeric argument. NaN counts as missing.
func number(args []any, i int) (float64, bool) {
	if i >= len(args) {
		return 0, false
	}
	v, ok := args[i].(float64)
	return v, ok && !math.IsNaN(v)
}

// milliseconds clamps a number from the client to 32 bits.
func milliseconds(f float64) uint32 { return uint32(max(0, min(f, math.MaxUint32))) }

// text returns a string argument, or "" if there is none.
func text(args []any, i int) string {
	if i >= len(args) {
		return ""
	}
	v, _ := args[i].(string)
	return v
}

// boolean returns args[i] as a bool, or missing if there is no such argument. All values except false, null,
// undefined and 0 are true.
func boolean(args []any, i int, missing bool) bool {
	if i >= len(args) {
		return missing
	}
	switch v := args[i].(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case nil:
		return false
	}
	return args[i] != amf.Undefined
}
