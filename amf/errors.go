package amf

import "fmt"

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
