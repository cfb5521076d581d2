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

// DecodeError reports bytes that are not AMF, or that exceed a limit of this package.
type DecodeError struct {
	Offset int    // in bytes, from the start of the input
	Detail string // what is wrong
	Value  any    // the offending marker, length, count, index or class
	Err    error  // the error of the class's ExternalFunc, or nil

	missing bool // the error is an AMF3 reference without a target in the current scope
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("amf: offset %d: %s: %s%s", e.Offset, e.Detail, show(e.Value), causeText(e.Err))
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// EncodeError reports which part of a Go value has no AMF form.
type EncodeError struct {
	Path   string // where in the arguments: "[2].info.code" is inside the third value
	Detail string // what is wrong
	Value  any    // the offending type or time, or a measure such as a length
	Err    error  // the error of an Externalizable, or nil
}

// Error implements error.
func (e *EncodeError) Error() string {
	return fmt.Sprintf("amf: cannot encode %s: %s: %s%s", e.Path, e.Detail, show(e.Value), causeText(e.Err))
}

// Unwrap returns Err.
func (e *EncodeError) Unwrap() error { return e.Err }

// show makes v safe for a log: names from the wire may be long and contain any bytes.
func show(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s[:min(len(s), maxShownName)])
	}
	return fmt.Sprint(v)
}

func causeText(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// within prepends a step to the path of the failing value. The containers around the value call it, the innermost first.
func (e *EncodeError) within(step string) *EncodeError {
	e.Path = step + e.Path
	return e
}

// AssignError reports which part of a decoded value does not fit its destination.
type AssignError struct {
	Path   string // where in the value, such as ".info.streams[3]"; empty for the value itself
	Detail string // why it does not fit
	Value  any    // the value that does not fit
	Type   reflect.Type
}

// Error implements error. It shows only numbers, since other values may be secrets.
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

// kindOf returns the specification's name for the type of v.
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
