package message

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// StatusError is a peer's refusal: an _error answer, or an onStatus whose level is "error" (RTMP 1.0 section 7.2.2). The
// connection stays usable. It is also what any other onStatus says, whose level is "status" or "warning".
type StatusError struct {
	Code        string // such as NetStream.Play.StreamNotFound
	Level       string // "error"; of an onStatus also "status" and "warning"
	Description string
	Info        any // the information object as it came

	maskedCode, masked string // Code and Description as Error tells them; "": as they are
}

// Error tells Code and Description, quoted.
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

// Mask makes Error tell Code and Description without what hide takes out of them: peers like to repeat what is secret. The fields
// stay as they are, and so does a code like the protocol's own, even if a secret is one of its words.
func (e *StatusError) Mask(hide func(text string) string) {
	e.masked = hide(e.Description)
	if !plainCode.MatchString(e.Code) {
		e.maskedCode = hide(e.Code)
	}
}

var plainCode = regexp.MustCompile(`^[A-Za-z.]*$`)

// ProtocolError reports that the peer broke the protocol or one of our limits. The connection is dead, unless all that could
// not be read is the answer to one call.
type ProtocolError struct {
	Phase  string // chunk, command, user control, ...
	Detail string
	Value  any   // what the peer sent
	Err    error // the cause, such as a *chunk.Error or an *amf.DecodeError
}

// Error tells all of it; what the peer sent is quoted.
func (e *ProtocolError) Error() string {
	text := "rtmp: protocol: " + e.Phase
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Value != nil {
		text += ": " + quote.Peer(fmt.Sprint(e.Value))
	}
	if e.Err != nil {
		text += ": " + quote.Cause(e.Err)
	}
	return text
}

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

// PanicError reports that a function of the program's, called for something that the peer has sent, has panicked. The connection is
// dead.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the goroutine, as runtime/debug prints it
}

// Error tells the value, quoted.
func (e *PanicError) Error() string {
	return "rtmp: handler: panic: " + quote.Peer(fmt.Sprint(e.Value))
}

// Unwrap returns Value if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
