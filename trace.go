package rtmp

import (
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Trace has functions that are called while a Conn connects, and with each of its messages. It is for tools that explain what a
// server does. A nil function is not called.
//
// What comes before RTMP is traced by net/http/httptrace: Dial and Connect call the functions of an httptrace.ClientTrace in their
// context for name resolution, TCP connections and TLS handshakes, also those of a proxy, and in tunnels for HTTP.
//
// The functions run on the goroutines that connect, read and write, several of them at the same time. They must return soon and must
// not use the Conn. Packets, and what else they are given, are valid during the call and must not be modified. They may hold secrets.
type Trace struct {
	// Connecting is called when an attempt to connect begins. A Conn, or Dial, may have to make several. enhanced says that connect
	// announces Enhanced RTMP.
	Connecting func(enhanced bool, pipelining Pipelining)
	// HandshakeStart is called when the connection or the tunnel has been made.
	HandshakeStart func()
	// HandshakeDone is called when the handshake has succeeded or failed.
	HandshakeDone func(info HandshakeInfo, err error)
	// Sent is called with each message, media included, before it is written to the connection. Those that leave with the
	// handshake are reported when that is done.
	Sent func(p *Packet)
	// Received is called with each message, except those that are read by Conn.ReadPacket and never handled, before the library
	// acts on it. Reading is slower with it.
	Received func(p *Packet)
}

// HandshakeInfo describes a handshake. It is zero but for Duration if that has failed.
type HandshakeInfo struct {
	ServerType    byte    // S0: 3, or a type of RTMPE
	ServerVersion [4]byte // the word after the timestamp in S1; zero from most servers that handshake plainly
	Digest        bool    // both sides have signed their first packets
	Encrypted     bool    // RTMPE
	ReplyValid    bool    // S2 repeats C1, or is signed as it should be
	Duration      time.Duration
}

func (t *Trace) connecting(enhanced bool, p Pipelining) {
	if t != nil && t.Connecting != nil {
		t.Connecting(enhanced, p)
	}
}

func (t *Trace) handshakeStart() {
	if t != nil && t.HandshakeStart != nil {
		t.HandshakeStart()
	}
}

// handshakeDone reports the handshake, and the messages that it has carried.
func (t *Trace) handshakeDone(result *handshake.Result, took time.Duration, carried []chunk.Outgoing, err error) {
	if t == nil {
		return
	}
	if t.HandshakeDone != nil {
		info := HandshakeInfo{Duration: took}
		if err == nil {
			info.ServerType, info.ServerVersion = result.PeerType, result.PeerVersion
			info.Digest, info.Encrypted = result.Digest, result.Encryption != handshake.EncryptionNone
			info.ReplyValid = result.ReplyValid
		}
		t.HandshakeDone(info, err)
	}
	if sent := t.sent(); sent != nil && err == nil {
		for _, o := range carried {
			sent(o)
		}
	}
}

// sent is session.Config.Sent.
func (t *Trace) sent() func(chunk.Outgoing) {
	if t == nil || t.Sent == nil {
		return nil
	}
	return func(o chunk.Outgoing) {
		t.Sent(&Packet{Type: message.Type(o.Type), Format: o.Format, ChunkStreamID: o.ChunkStreamID, Timestamp: o.Timestamp,
			StreamID: o.StreamID, Absolute: true, Body: o.Body})
	}
}

// tap is session.Config.Tap.
func (t *Trace) tap() func(*session.Message) (bool, error) {
	if t == nil || t.Received == nil {
		return nil
	}
	return func(m *session.Message) (bool, error) {
		p := m.Packet
		p.Body = m.Payload()
		t.Received(&p)
		return false, nil
	}
}
