package media

import "fmt"

// Error reports data in the wrong format, or a unit that can't be read or written. After an Error of a [Reader], the next call of Read
// continues with the next message.
type Error struct {
	Where  string // the format or the track, such as "Annex B" or "video track 0 (H.264)"
	Detail string // what is wrong; empty if Err says it
	Value  any    // the offending value, a number
	Err    error  // the cause: io.ErrUnexpectedEOF for input that was cut short, an *flv.Error for a configuration
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
