// Package capture reads recorded RTMP sessions, and plays them again: as the server that they were recorded from, or as its client.
//
// Sessions are recorded with rtmp.Options.Capture, server.Server.Capture, or from packets that tcpdump or Wireshark have captured,
// with package [github.com/go-librtmp/rtmp/capture/pcap]. A recording holds the chunk streams of both directions, after decryption
// and before encryption, with times. Secrets are replaced before they are written: publishing names, tokens, passwords and values derived
// from them become placeholders of the same length. Equal values have equal placeholders. [Session.End] says what was replaced and what was
// not. docs/capture-format.md describes the format.
//
//	f, err := capture.Open("session.rtmpcap")
//	...
//	defer f.Close()
//	for _, s := range f.Sessions() {
//		r := s.Reader()
//		var m capture.Message
//		for r.Next(&m) == nil {
//			fmt.Println(m.At, m.From, m.Type, len(m.Body))
//		}
//	}
//
// To make a test of a bug report, use [Server], which serves a recorded session to any client, or [Client], which sends to a server what
// the recorded client sent. A server that checks a secret refuses its placeholder, so use such a session only with Server.
package capture

import (
	"io"

	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// Info describes a session.
type Info = capturefile.Info

// Handshake describes the handshake of a session.
type Handshake = capturefile.Handshake

// End describes how the recording of a session ended, and what was removed from it.
type End = capturefile.End

// Direction is the direction of a message.
type Direction = capturefile.Direction

// Directions of a message.
const (
	FromClient = capturefile.FromClient // to the server
	FromServer = capturefile.FromServer // to the client
)

// Role is the role of the program that recorded a session.
type Role = capturefile.Role

// Roles of the program that recorded a session.
const (
	RoleClient   = capturefile.RoleClient
	RoleServer   = capturefile.RoleServer
	RoleObserver = capturefile.RoleObserver // a third party that captured the packets
)

// Option is an option of [NewWriter].
type Option = capturefile.Option

// ZeroMedia replaces the bodies of audio and video messages by zeros of the same length. This makes the recording small, and removes the
// media from it.
var ZeroMedia Option = capturefile.ZeroMedia

// NewWriter returns a writer for rtmp.Options.Capture or server.Server.Capture that writes to w and has options.
func NewWriter(w io.Writer, options ...Option) io.WriteCloser {
	return capturefile.NewOutput(w, options...)
}

// Recorder records a session of another program, for example in a proxy: pass what the client and the server send to Record.
type Recorder = capturefile.Recorder

// NewRecorder begins to record a session to w, until Close. w may already contain other sessions. Several Recorders may write to w at the
// same time if w may be used by several goroutines.
func NewRecorder(w io.Writer, info Info) *Recorder { return capturefile.NewRecorder(w, info, nil) }
