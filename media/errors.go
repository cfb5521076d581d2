package media

import "fmt"

// Error says why bytes are not in the form that they should be in, or why a unit cannot be read or written. From a [Reader] it is
// about one message, and the next Read goes on with the message after it.
type Error struct {
	Where  string // the form, or the track: "Annex B", "video track 0 (H.264)"
	Detail string // what is wrong; "" if Err says it
	Value  any    // the offending value, a number
	Err    error  // the cause: io.ErrUnexpectedEOF of input that was cut, an *flv.Error of a configuration
}

// Error implements error.
func (e *Error) Error() string {
	s := "media: " + e.Where
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Value != nil {
		s += fmt.Sprintf(": %v", e.Value)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
