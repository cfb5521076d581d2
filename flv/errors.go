package flv

import (
	"errors"
	"fmt"
	"io"
)

// Error says why bytes are not FLV, or why a tag cannot be written.
type Error struct {
	// Offset is where the faulty tag or header begins, in bytes from the start of the input. The functions that parse a
	// tag's body count from the start of that body instead.
	Offset int64
	Detail string // what is wrong
	Value  any    // the offending value; of input that was cut, how many more bytes were expected at least
	Err    error  // the cause: io.ErrUnexpectedEOF of input that was cut; nil if the bytes themselves are at fault
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

// shift makes the offset of an [*Error] that counts from the start of a part count from the start of the whole instead: the
// part begins by bytes into it.
func shift(err error, by int64) error {
	if err == nil {
		return nil // before e, which costs an allocation
	}
	var e *Error
	if errors.As(err, &e) {
		e.Offset += by
	}
	return err
}

// cut returns the error for input that ends too early.
func cut(where string, missing int64) error {
	return &Error{Detail: "cut within " + where + ", bytes missing", Value: missing, Err: io.ErrUnexpectedEOF}
}
