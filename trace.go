package rtmp

import (
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Trace has functions that are called while a Conn connects, and for each of its messages. It is for tools that explain what a
// server does. A nil function is not called.
//
// To trace the steps before RTMP, use net/http/httptrace: Dial and Connect call the functions of an httptrace.ClientTrace in their context
// for name resolution, TCP connections and TLS handshakes, including those with a proxy, and for the HTTP requests of tunnels.
//
// The functions run on the goroutines that connect, read and write, possibly at the same time. They must return quickly and must not use
// the Conn. Their arguments are valid only during the call and must not be modified. The arguments may contain secrets.
type Trace struct {
	// Connecting is called when an attempt to connect begins. Connect and Dial may make several attempts. enhanced reports whether connect
	// announces Enhanced RTMP.
	Connecting func(enhanced bool, pipelining Pipelining)
	// HandshakeStart is called when the connection or the tunnel was made.
	HandshakeStart func()
	// HandshakeDone is called when the handshake has succeeded or failed.
	HandshakeDone func(info HandshakeInfo, err error)
	// Sent is called with each message, including media, before it is written to the connection. Messages that are sent with the
	// handshake are reported after it.
	Sent func(p *Packet)
	// Received is called with each message before the library acts on it. If Conn.ReadPacket has returned the message, Received is called
	// when the program passes the message to Conn.HandlePacket. Reading is slower if Received is set.
	Received func(p *Packet)
}

// HandshakeInfo describes a handshake. If the handshake has failed, only Duration is set.
type HandshakeInfo struct {
	ServerType    byte    // S0: 3, or a type of RTMPE
	ServerVersion [4]byte // the word after the timestamp in S1; often zero in a plain handshake
	Digest        bool    // both sides have signed their first packets (C1 and S1)
	Encrypted     bool    // RTMPE
	ReplyValid    bool    // S2 is a copy of C1, or is signed correctly
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

// handshakeDone reports the handshake, and the messages that were sent with it.
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

// sent returns the function for session.Config.Sent.
func (t *Trace) sent() func(chunk.Outgoing) {
	if t == nil || t.Sent == nil {
		return nil
	}
	return func(o chunk.Outgoing) {
		t.Sent(&Packet{Type: message.Type(o.Type), Format: o.Format, ChunkStreamID: o.ChunkStreamID, Timestamp: o.Timestamp,
			StreamID: o.StreamID, Absolute: true, Body: o.Body})
	}
}

// tap returns the function for session.Config.Tap.
func (t *Trace) tap() func(*session.Message) (bool, error) {
	if t == nil || t.Received == nil {
		return nil
	}
	return func(m *session.Message) (bool, error) {
		p := m.View()
		t.Received(&p)
		return false, nil
	}
}
