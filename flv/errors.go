package flv

import (
	"errors"
	"fmt"
	"io"
)

// Error reports why bytes are not FLV, or why something can't be written.
type Error struct {
	// Offset is the position of the faulty tag or header in bytes from the start of the input. Functions that parse the body of a
	// tag count from the start of that body instead.
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

// shift adds by to the offset of an [*Error]. It converts an offset within a part that starts at by to an offset within the whole.
func shift(err error, by int64) error {
	if err == nil {
		return nil // return early: declaring e costs an allocation
	}
	var e *Error
	if errors.As(err, &e) {
		e.Offset += by
	}
	return err
}

// cut returns the error for input that ends too early.
func cut(where string, missing int64) error {
	return &Error{Detail: "ends inside " + where + ", bytes missing", Value: missing, Err: io.ErrUnexpectedEOF}
}
