package message

import (
	"cmp"
	"fmt"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// StatusError is a peer's refusal: an _error answer, or an onStatus whose level is "error" (RTMP 1.0 section 7.2.2). The
// connection stays usable. It is also what any other onStatus says, whose level is "status" or "warning".
type StatusError struct {
	Code        string // such as NetStream.Play.StreamNotFound
	Level       string // "error"; of an onStatus also "status" and "warning"
	Description string
	Info        any // the information object as it came

	masked string // Description as Error tells it; "": as it is
}

// Error tells Code and Description, quoted.
func (e *StatusError) Error() string {
	text := "refused"
	if e.Code != "" {
		text = quote.Peer(e.Code)
	}
	if description := cmp.Or(e.masked, e.Description); description != "" {
		text += ": " + quote.Peer(description)
	}
	return "rtmp: server: " + text
}

// Mask makes Error tell text in place of Description, which stays as it is: peers like to repeat what is secret.
func (e *StatusError) Mask(text string) { e.masked = text }

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
