// Package event defines the events of a session, live or captured, which rtmpprobe explains.
package event

import (
	"crypto/tls"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
)

// Kind says what has happened.
type Kind int

// Kinds of events, in their usual order. A captured session begins with HandshakeStart.
const (
	Attempt        Kind = iota // an attempt to connect begins; Text describes it, unless it is the first
	Resolving                  // Text is a host
	Resolved                   // Text is the host's addresses
	Dialling                   // Text is an address
	Dialled                    // Text is the address; Proxy is set if it is a proxy's
	TLSStart                   //
	TLSDone                    // TLS
	Asked                      // an HTTP request of a tunnel has been written
	Answered                   // the first byte of its response has arrived
	HandshakeStart             //
	HandshakeDone              // Handshake
	Message                    // Packet, Sent
	Ended                      // the session has ended, regularly if Err is nil
)

// Event is one event of a session. Its pointers are valid only during the call, and read-only.
type Event struct {
	At        time.Duration // time since the session began
	Kind      Kind
	Err       error // why the step has failed; nil if it has not
	Text      string
	Proxy     bool // the address is a proxy's
	TLS       *tls.ConnectionState
	Handshake rtmp.HandshakeInfo
	Sent      bool // sent by the client
	Packet    *rtmp.Packet
}

// Sink receives the events of a session. It is called by one goroutine at a time.
type Sink interface{ Add(*Event) }

// Sinks passes events to several sinks.
type Sinks []Sink

// Add implements Sink.
func (s Sinks) Add(e *Event) {
	for _, sink := range s {
		sink.Add(e)
	}
}

// Tolerated names the violations in a chunk stream.
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
