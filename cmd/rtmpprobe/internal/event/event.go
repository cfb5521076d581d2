// Package event is what happens in a session, one thing after the other: what rtmpprobe explains. Sessions are live or captured;
// who explains them does not see the difference.
package event

import (
	"crypto/tls"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
)

// Kind says what has happened.
type Kind int

// The kinds of events, in the order in which they come when all goes well. A session that was captured begins with HandshakeStart.
const (
	Attempt        Kind = iota // an attempt to connect begins; Text: how, if it is not the first
	Resolving                  // Text: a host
	Resolved                   // Text: its addresses
	Dialling                   // Text: an address
	Dialled                    // Text: the address; Proxy
	TLSStart                   //
	TLSDone                    // TLS
	Asked                      // an HTTP request of a tunnel has been written
	Answered                   // the first byte of its answer has come
	HandshakeStart             //
	HandshakeDone              // Handshake
	Message                    // Packet, Sent
	Ended                      // the session is over, by itself if Err is not nil
)

// Event is one thing that has happened. What it points to is valid during the call that hands it over, and must not be modified.
type Event struct {
	At        time.Duration // since the session began
	Kind      Kind
	Err       error // why it has failed; nil: it has not
	Text      string
	Proxy     bool // the address is that of a proxy
	TLS       *tls.ConnectionState
	Handshake rtmp.HandshakeInfo
	Sent      bool // the client has sent the message
	Packet    *rtmp.Packet
}

// Sink takes the events of a session. It is called by one goroutine at a time.
type Sink interface{ Add(*Event) }

// Sinks hands events to several.
type Sinks []Sink

// Add implements Sink.
func (s Sinks) Add(e *Event) {
	for _, sink := range s {
		sink.Add(e)
	}
}

// Tolerated names what was wrong with chunks.
func Tolerated(t chunk.Tolerated) map[string]uint64 {
	wrong := make(map[string]uint64)
	for _, kind := range []struct {
		what string
		n    uint64
	}{
		{"extended timestamps left out", t.MissingExtended}, {"absolute timestamps in place of deltas", t.AbsoluteExtended},
		{"messages broken off by others", t.ImplicitAborts},
	} {
		if kind.n > 0 {
			wrong[kind.what] = kind.n
		}
	}
	return wrong
}
