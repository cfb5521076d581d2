// Package capture reads recorded RTMP sessions, and replays them, either as the recorded server or as the recorded client.
//
// rtmp.Options.Capture and server.Server.Capture record sessions, and package [github.com/go-librtmp/rtmp/capture/pcap] makes recordings
// from packets that tcpdump or Wireshark have captured. A recording holds the unencrypted chunk streams of both directions, with times.
// Secrets are replaced before they are written: publishing names, tokens, passwords and values derived from them become placeholders of the
// same length, equal ones for equal values. [Session.End] says what was replaced and what was not. docs/capture-format.md describes the
// format.
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
// To turn a bug report into a test, use [Server], which serves a recorded session to any client, or [Client], which sends the messages of a
// recorded client to a server. A server that checks a secret refuses the placeholder, so its sessions can be replayed only with Server.
package capture

import (
	"io"

	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// Info describes a session. It has the fields
//
//	Role      Role
//	Transport string    // rtmp, rtmps, rtmpe, rtmpt, rtmpts or rtmpte; "" if unknown
//	Server    string    // address, "host:port"; "" if unknown
//	Client    string    // address, "host:port"; "" if unknown
//	Began     time.Time // end of the handshake, to which the times in the capture are relative
//	Handshake Handshake
type Info = capturefile.Info

// Handshake describes the handshake of a session. It has the fields
//
//	Type       byte    // the peer's C0 or S0 for RoleClient and RoleServer, S0 for RoleObserver: 3, or a type of RTMPE
//	Version    [4]byte // the four bytes after the timestamp in the peer's first packet
//	Digest     bool    // both first packets had a digest
//	ReplyValid bool    // the peer's second packet was a valid answer to the first packet of the recorder
type Handshake = capturefile.Handshake

// End describes how the recording of a session ended, and what was removed from it. It has the fields
//
//	Reason   string    // why the session ended; "" if unknown
//	ClosedBy Direction // the end that closed first; 0 if unknown
//	Replaced []string  // kinds of values that were replaced, with the number of each: "publishing name: 3"
//	Kept     []string  // kinds of values that may be private but were kept, with the number of each
//	Missing  []string  // what was not recorded, and why
type End = capturefile.End

// Direction is the direction of a message. Its method String returns "client" or "server".
type Direction = capturefile.Direction

const (
	FromClient = capturefile.FromClient // to the server
	FromServer = capturefile.FromServer // to the client
)

// Role is the role of the program that recorded a session, a string.
type Role = capturefile.Role

const (
	RoleClient   = capturefile.RoleClient
	RoleServer   = capturefile.RoleServer
	RoleObserver = capturefile.RoleObserver // a third program that captured the packets
)

// Option is an option of [NewWriter].
type Option = capturefile.Option

// ZeroMedia records the bodies of audio and video messages as zeros, which makes the recording small.
var ZeroMedia Option = capturefile.ZeroMedia

// NewWriter returns a writer to w, with options, for rtmp.Options.Capture or server.Server.Capture.
func NewWriter(w io.Writer, options ...Option) io.WriteCloser {
	return capturefile.NewOutput(w, options...)
}

// Recorder records a session of other programs, for example in a proxy. Pass it the bytes of the client and the server after the handshake.
// If the writer fails, or blocks for 5 seconds, the recording ends and the session continues. The methods may be called from any goroutine:
//
//	Record(from Direction, at time.Time, b []byte)       // records bytes that were sent at a time
//	Missing(from Direction, what string)                 // records in End that a part of one end's bytes is missing
//	Conn(nc net.Conn, closed func(error)) net.Conn       // returns a connection of a client that records what is read and written
//	Close(closedBy Direction, reason string) error       // ends the recording, and returns Err
//	Err() error                                          // the error that has ended the recording early, or nil
type Recorder = capturefile.Recorder

// NewRecorder returns a Recorder that records a session to w until its Close method is called. w may already contain other sessions. Several
// Recorders can share w if its Write method is safe for concurrent use.
func NewRecorder(w io.Writer, info Info) *Recorder { return capturefile.NewRecorder(w, info, nil) }
