// Package capture reads recorded RTMP sessions, and plays them again: as the server that they were recorded from, or as its client.
//
// Sessions are recorded with rtmp.Options.Capture, server.Server.Capture, or from packets that tcpdump or Wireshark have captured,
// with package [github.com/go-librtmp/rtmp/capture/pcap]. A recording holds the chunk streams of both directions, after decryption
// and before encryption, with times. What is secret was replaced before it was written: publishing names, tokens, passwords and
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

// Info is what is known of a session beside its messages.
type Info = capturefile.Info

// Handshake is what is known of a session's handshake.
type Handshake = capturefile.Handshake

// End is how the recording of a session ended, and what was removed from it.
type End = capturefile.End

// Direction is the way of a message.
type Direction = capturefile.Direction

// The directions.
const (
	FromClient = capturefile.FromClient // to the server
	FromServer = capturefile.FromServer // to the client
)

// Role is who recorded a session.
type Role = capturefile.Role

// The roles.
const (
	RoleClient   = capturefile.RoleClient
	RoleServer   = capturefile.RoleServer
	RoleObserver = capturefile.RoleObserver // somebody who saw the packets
)

// Option is how a session is recorded.
type Option = capturefile.Option

// ZeroMedia replaces the bodies of audio and video messages by as many zeros. The recording then is small, and shows nobody's face.
var ZeroMedia Option = capturefile.ZeroMedia

// NewWriter returns w with options for what rtmp.Options.Capture or server.Server.Capture record to it.
func NewWriter(w io.Writer, options ...Option) io.WriteCloser {
	return capturefile.NewOutput(w, options...)
}

// Recorder records a session that somebody else has, such as a proxy's: what the client and the server send is given to Record.
type Recorder = capturefile.Recorder

// NewRecorder begins the recording of a session, which goes to w until Close. w may hold other sessions already, and those of
// several Recorders at once if it may be used by several goroutines.
func NewRecorder(w io.Writer, info Info) *Recorder { return capturefile.NewRecorder(w, info, nil) }
