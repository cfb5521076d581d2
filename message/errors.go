package message

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/quote"
)

// StatusError is a refusal by the peer: an _error answer, or an onStatus whose level is "error" (RTMP 1.0 section 7.2.2). The
// connection remains usable. The type also represents every other onStatus.
type StatusError struct {
	Code        string // such as NetStream.Play.StreamNotFound
	Level       string // "error", or for an onStatus also "status" or "warning"
	Description string
	Info        any // the information object as received

	maskedCode, masked string // what Error writes in place of Code and Description; empty if they contain no secret
}

// Error returns Code and Description, quoted.
func (e *StatusError) Error() string {
	text := "refused"
	if code := cmp.Or(e.maskedCode, e.Code); code != "" {
		text = quote.Peer(code)
	}
	if description := cmp.Or(e.masked, e.Description); description != "" {
		text += ": " + quote.Peer(description)
	}
	return "rtmp: server: " + text
}

// Mask makes Error pass Code and Description through hide, which should remove secrets, since servers repeat what they were
// sent. The fields keep their values, and a code of the protocol is not changed.
func (e *StatusError) Mask(hide func(text string) string) {
	e.masked = hide(e.Description)
	if !plainCode.MatchString(e.Code) {
		e.maskedCode = hide(e.Code)
	}
}

var plainCode = regexp.MustCompile(`^[A-Za-z.]*$`)

// ProtocolError reports that the peer violated the protocol or exceeded a limit. The connection is closed, unless only the
// answer to one call could not be read.
type ProtocolError struct {
	Phase  string // "chunk", "command", "user control" and so on
	Detail string
	Value  any   // the offending value
	Err    error // the cause, such as a *chunk.Error or an *amf.DecodeError
}

// Error returns all fields in one line. What the peer sent is quoted.
func (e *ProtocolError) Error() string {
	text := "rtmp: protocol: " + e.Phase
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Value != nil {
		text += ": " + quote.Peer(fmt.Sprint(e.Value))
	}
	var same *chunk.Error // If Detail and Value are those of Err, they are written once.
	if e.Err != nil && !(errors.As(e.Err, &same) && same.Detail == e.Detail) {
		text += ": " + quote.Cause(e.Err)
	}
	return text
}

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

// PanicError reports that a function of the program panicked while it handled a message. The connection is closed.
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // the goroutine's stack, as debug.Stack returns it
}

// Error returns the value, quoted.
func (e *PanicError) Error() string {
	return "rtmp: handler: panic: " + quote.Peer(fmt.Sprint(e.Value))
}

// Unwrap returns Value if it is an error, and nil otherwise.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
