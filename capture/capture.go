// Package capture reads recorded RTMP sessions, and plays them again: as the server that they were recorded from, or as its client.
//
// Sessions are recorded with rtmp.Options.Capture, server.Server.Capture, or from packets that tcpdump or Wireshark have captured,
// with package [github.com/go-librtmp/rtmp/capture/pcap]. A recording holds the chunk streams of both directions, after decryption
// and before encryption, with times. Secrets were replaced before they were written: publishing names, tokens, passwords and
// what is made of them became placeholders of the same length, the same value always the same placeholder. [Session.End] says what
// was replaced, and what was not. docs/capture-format.md describes the format.
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
// A bug report becomes a test with [Server], which serves a recorded session to any client, and [Client], which does to a server
// what the recorded client did. A server that checks a secret can't be asked again with a placeholder: such a session is for
// Server only.
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

// Direction is the way of a message.
type Direction = capturefile.Direction

// Directions of a message.
const (
	FromClient = capturefile.FromClient // to the server
	FromServer = capturefile.FromServer // to the client
)

// Role is who recorded a session.
type Role = capturefile.Role

// Roles of the program that recorded a session.
const (
	RoleClient   = capturefile.RoleClient
	RoleServer   = capturefile.RoleServer
	RoleObserver = capturefile.RoleObserver // a third party that captured the packets
)

// Option is how a session is recorded.
type Option = capturefile.Option

// ZeroMedia replaces the bodies of audio and video messages by zeros of the same length. The recording is small then,
// and shows nothing of the media.
var ZeroMedia Option = capturefile.ZeroMedia

// NewWriter returns w with options for what rtmp.Options.Capture or server.Server.Capture record to it.
func NewWriter(w io.Writer, options ...Option) io.WriteCloser {
	return capturefile.NewOutput(w, options...)
}

// Recorder records a session that another program has, such as a proxy's: pass it what the client and the server
// send, with Record.
type Recorder = capturefile.Recorder

// NewRecorder begins the recording of a session, which goes to w until Close. w may hold other sessions already, and those of
// several Recorders at once if it may be used by several goroutines.
func NewRecorder(w io.Writer, info Info) *Recorder { return capturefile.NewRecorder(w, info, nil) }
