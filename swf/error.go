package swf

import "fmt"

// Phases of an [Error].
const (
	PhaseFetch  = "fetch"  // the file could not be had
	PhaseUnpack = "unpack" // what was fetched is no SWF, is damaged or too large
	PhaseCache  = "cache"  // the cache file could not be read or written; see Options.Logger
	PhaseVerify = "verify" // the answer to a verification request is wrong
)

// Error says where it failed. No query, user name or password of a URL is in it.
type Error struct {
	Phase  string // one of the Phase constants
	Source string // URL or path of what was dealt with; "" where there is none
	Detail string // what was wrong, if Err does not say it all
	Value  any    // the offending value: an HTTP status, a limit, a size; nil if there is none
	Err    error  // the cause, nil if the data itself is it
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

// Unwrap returns the cause. A file that ends too early is an [io.ErrUnexpectedEOF], one that is too large [ErrTooLarge].
func (e *Error) Unwrap() error { return e.Err }
