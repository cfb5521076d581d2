package flv

import (
	"errors"
	"fmt"
	"io"
)

// Error reports why bytes are not FLV, or why something can't be written.
type Error struct {
	// Offset is the position of the faulty tag or header in bytes from the start of the input, or from the start of the body for functions
	// that parse the body of a tag.
	Offset int64
	Detail string // what is wrong
	Value  any    // the offending value; for input that was cut short, the minimum number of missing bytes
	Err    error  // io.ErrUnexpectedEOF for input that was cut short; nil if the bytes themselves are wrong
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("flv: offset %d: %s", e.Offset, e.Detail)
	if e.Value != nil {
		s += fmt.Sprintf(": %#v", e.Value)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// addOffset converts the offset of an [*Error] within a part that starts at offset to an offset within the whole.
func addOffset(err error, offset int64) error {
	if err == nil {
		return nil // return early: declaring e costs an allocation
	}
	var e *Error
	if errors.As(err, &e) {
		e.Offset += offset
	}
	return err
}

// truncated returns the error for input that ends too early.
func truncated(where string, missing int64) error {
	return &Error{Detail: "ends inside " + where + ", bytes missing", Value: missing, Err: io.ErrUnexpectedEOF}
}
