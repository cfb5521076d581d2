package amf

import (
	"fmt"
	"reflect"
	"time"
)

// DecodeError says why bytes are not AMF, or break one of this package's
// limits.
type DecodeError struct {
	Offset int    // in bytes, from the start of the input
	Detail string // what is wrong
	Value  any    // the offending marker, length, count or index
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("amf: offset %d: %s: %v", e.Offset, e.Detail, e.Value)
}

// EncodeError says which part of a Go value has no AMF form.
type EncodeError struct {
	Path   string // from the argument list: "[2].info.code" is inside the third value
	Detail string // what is wrong
	Value  any    // the offending value, or a measure of it such as a length
}

// Error implements error.
func (e *EncodeError) Error() string {
	return fmt.Sprintf("amf: cannot encode %s: %s: %v", e.Path, e.Detail, e.Value)
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
