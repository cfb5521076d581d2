package amf

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DecodeError says why bytes are not AMF, or break one of this package's
// limits.
type DecodeError struct {
	Offset int    // in bytes, from the start of the input
	Detail string // what is wrong
	Value  any    // the offending marker, length, count, index or class
	Err    error  // what the ExternalFunc of that class returned, else nil

	missing bool // an AMF3 reference to what is not there (yet, or in this scope)
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("amf: offset %d: %s: %s%s", e.Offset, e.Detail, show(e.Value), because(e.Err))
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// EncodeError says which part of a Go value has no AMF form.
type EncodeError struct {
	Path   string // from the argument list: "[2].info.code" is inside the third value
	Detail string // what is wrong
	Value  any    // the offending type or time, or a measure such as a length
	Err    error  // what an Externalizable returned, else nil
}

// Error implements error.
func (e *EncodeError) Error() string {
	return fmt.Sprintf("amf: cannot encode %s: %s: %s%s", e.Path, e.Detail, show(e.Value), because(e.Err))
}

// Unwrap returns Err.
func (e *EncodeError) Unwrap() error { return e.Err }

// show makes v fit for a log: names from the wire may be long, or hold anything.
func show(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s[:min(len(s), maxShownName)])
	}
	return fmt.Sprint(v)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// within puts where the failing value was found in front of the path, on the
// way out of the containers around it.
func (e *EncodeError) within(step string) *EncodeError {
	e.Path = step + e.Path
	return e
}

// AssignError says which part of a decoded value does not fit where it should
// be stored.
type AssignError struct {
	Path   string // inside the value: ".info.streams[3]"; empty for the value itself
	Detail string // why it does not fit
	Value  any    // what was to be stored
	Type   reflect.Type
}

// Error implements error. It does not quote the value, which may be a secret,
// unless it is a number.
func (e *AssignError) Error() string {
	return fmt.Sprintf("amf: cannot store %s in %v at value%s: %s", kindOf(e.Value), e.Type, e.Path, e.Detail)
}

func (e *AssignError) within(step string) *AssignError {
	e.Path = step + e.Path
	return e
}

const maxShownName = 64 // bytes

func elementStep(i int) string { return "[" + strconv.Itoa(i) + "]" }

func memberStep(name string) string {
	if len(name) > maxShownName {
		name = name[:maxShownName] + "..."
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		name = strconv.Quote(name)
	}
	return "." + name
}

// kindOf is what the specification calls the type of v.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		return fmt.Sprint("number ", v)
	case bool:
		return "boolean"
	case string:
		return "string"
	case Object:
		return "object"
	case ECMAArray:
		return "ECMA array"
	case TypedObject:
		return "typed object"
	case []any:
		return fmt.Sprint("strict array of ", len(v))
	case time.Time:
		return "date"
	default:
		return fmt.Sprintf("%T", v)
	}
}
