// Package peertest provides scripted peers, which do exactly what a test tells them to, message by message. Of this module it imports only
// the packages for the wire format, so that the tests of all other packages can use it.
//
// A Peer is a server that runs a script on its own goroutine. Its methods never fail the test; they return nil if the other end has closed
// the connection. A Client is for tests of servers; its methods fail the test.
package peertest

import (
	"bytes"
	"net"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

// Peer is one end of a connection after its handshake.
type Peer struct {
	Conn net.Conn
	In   *chunk.Reader
	Out  *chunk.Writer
}

// New returns a Peer on a connection whose handshake is complete.
func New(nc net.Conn) *Peer {
	return &Peer{Conn: nc, In: chunk.NewReader(nc, 0), Out: chunk.NewWriter()}
}

// Accept performs the server's half of the handshake.
func Accept(nc net.Conn) (*Peer, error) {
	if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
		return nil, err
	}
	return New(nc), nil
}

// run runs a scripted server on a connection. A deadline ends a script that hangs.
func run(nc net.Conn, script func(*Peer)) {
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Minute))
	if p, err := Accept(nc); err == nil {
		script(p)
	}
}

// Expect reads until a command with the given name and returns it, or nil if the other end has closed the connection.
func (p *Peer) Expect(name string) *message.Command {
	for {
		cmd := p.NextCommand()
		if cmd == nil || cmd.Name == name {
			return cmd
		}
	}
}

// NextCommand reads until a command and returns it, or nil if the other end has closed the connection.
func (p *Peer) NextCommand() *message.Command {
	for {
		body := p.ExpectType(message.TypeCommandAMF0)
		if body == nil {
			return nil
		}
		if cmd, err := message.ParseCommand(message.TypeCommandAMF0, body); err == nil {
			return &cmd
		}
	}
}

// ExpectType reads until a message of the given type and returns its body, or nil if the other end has closed the connection.
func (p *Peer) ExpectType(t message.Type) []byte {
	for {
		var m chunk.Message
		if err := p.In.Next(&m); err != nil {
			return nil
		}
		if message.Type(m.Type) == t {
			return append([]byte{}, m.Body()...)
		}
	}
}

// Next reads a message. Its body belongs to the caller.
func (p *Peer) Next() (message.Packet, error) {
	var m chunk.Message
	if err := p.In.Next(&m); err != nil {
		return message.Packet{}, err
	}
	return message.Packet{Type: message.Type(m.Type), Format: m.Format, ChunkStreamID: m.ChunkStreamID, Timestamp: m.Timestamp, StreamID: m.StreamID,
		Body: bytes.Clone(m.Body())}, nil
}

// UntilGone reads until the other end closes the connection.
func (p *Peer) UntilGone() {
	var m chunk.Message
	for p.In.Next(&m) == nil {
	}
}

// Encode returns the chunks of messages, which must be sent before any other message. It panics if a message can't be encoded.
func (p *Peer) Encode(messages ...chunk.Outgoing) (b []byte) {
	for i := range messages {
		var err error
		if b, err = p.Out.AppendMessage(b, &messages[i]); err != nil {
			panic(err)
		}
	}
	return b
}

// Send sends messages with one write. It ignores errors: the next read shows that the other end has closed the connection.
func (p *Peer) Send(messages ...chunk.Outgoing) { p.Conn.Write(p.Encode(messages...)) }

// Control returns a protocol control or user control message.
func Control(t message.Type, body []byte) chunk.Outgoing {
	return chunk.Outgoing{Type: uint8(t), ChunkStreamID: 2, Format: chunk.Format3, Body: body}
}

// Event returns a user control message about a stream, or a ping.
func Event(e message.Event, value uint32) chunk.Outgoing {
	return Control(message.TypeUserControl, message.AppendUserControl(nil, e, value))
}

// Command returns a command message. It panics if AMF can't express an argument.
func Command(streamID uint32, name string, id float64, object any, args ...any) chunk.Outgoing {
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0,
		&message.Command{Name: name, TransactionID: id, Object: object, Args: args})
	if err != nil {
		panic(err)
	}
	return chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, StreamID: streamID, Format: chunk.Format3, Body: body}
}

// Control sends a protocol control or user control message.
func (p *Peer) Control(t message.Type, body []byte) { p.Send(Control(t, body)) }

// Call sends a command, which may also be an answer: "_result" or "_error".
func (p *Peer) Call(streamID uint32, name string, id float64, object any, args ...any) {
	p.Send(Command(streamID, name, id, object, args...))
}

// Media sends an audio, video, data or aggregate message on message stream 1.
func (p *Peer) Media(t message.Type, timestamp uint32, body []byte) {
	p.Send(chunk.Outgoing{Type: uint8(t), ChunkStreamID: 6, StreamID: 1, Timestamp: timestamp, Format: chunk.Format3, Body: body})
}

// Data sends a data message on message stream 1.
func (p *Peer) Data(name string, args ...any) {
	body, err := message.AppendData(nil, message.TypeDataAMF0, name, args...)
	if err != nil {
		panic(err)
	}
	p.Media(message.TypeDataAMF0, 0, body)
}
