package swf

import "fmt"

// Values of Error.Phase.
const (
	PhaseFetch  = "fetch"  // the file could not be read or downloaded
	PhaseUnpack = "unpack" // the file is not a SWF, is damaged or too large
	PhaseCache  = "cache"  // the cache file could not be read or written; see Options.Logger
	PhaseVerify = "verify" // the answer to a verification request is wrong
)

// Error reports in which phase an operation failed, and why. It contains no query, user name or password of a URL.
type Error struct {
	Phase  string // one of the Phase constants
	Source string // the URL or path of the player; may be empty
	Detail string // what is wrong; empty if Err explains it
	Value  any    // the offending value, such as an HTTP status, a limit or a size; may be nil
	Err    error  // the cause; nil if the data is invalid
}

// Error returns the text "swf: phase: source: detail: value: cause".
func (e *Error) Error() string {
	s := "swf: " + e.Phase
	if e.Source != "" {
		s += ": " + e.Source
	}
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

// Unwrap returns the cause. It is [io.ErrUnexpectedEOF] for a file that ends too early, and [ErrTooLarge] for one that is too large.
func (e *Error) Unwrap() error { return e.Err }
