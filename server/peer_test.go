package server_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

// peer is a client that does what a test says, and no more.
type peer struct {
	t   testing.TB
	nc  net.Conn
	in  *chunk.Reader
	out *chunk.Writer
}

func newPeer(t testing.TB, addr string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return peerOn(t, nc)
}

// peerOn shakes hands.
func peerOn(t testing.TB, nc net.Conn) *peer {
	t.Helper()
	nc.SetDeadline(time.Now().Add(patience))
	_, err := handshake.Client(nc, handshake.Config{})
	require.NoError(t, err)
	return &peer{t: t, nc: nc, in: chunk.NewReader(nc, 0), out: chunk.NewWriter()}
}

func (p *peer) send(o chunk.Outgoing) {
	p.t.Helper()
	b, err := p.out.AppendMessage(nil, &o)
	require.NoError(p.t, err)
	_, err = p.nc.Write(b)
	require.NoError(p.t, err)
}

func (p *peer) command(stream uint32, name string, transaction float64, object any, args ...any) {
	p.t.Helper()
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: name, TransactionID: transaction, Object: object, Args: args})
	require.NoError(p.t, err)
	p.send(chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, StreamID: stream, Body: body})
}

// media sends a message of sound or pictures.
func (p *peer) media(t message.Type, stream, timestamp uint32, body []byte) {
	p.t.Helper()
	p.send(chunk.Outgoing{Type: uint8(t), ChunkStreamID: 4, StreamID: stream, Timestamp: timestamp, Format: chunk.Format0, Body: body})
}

// next reads the next message.
func (p *peer) next() (m chunk.Message, err error) {
	err = p.in.Next(&m)
	return m, err
}

// answer reads up to the next command of one of the names.
func (p *peer) answer(names ...string) message.Command {
	p.t.Helper()
	for {
		m, err := p.next()
		require.NoError(p.t, err, "while waiting for %v", names)
		if t := message.Type(m.Type); t != message.TypeCommandAMF0 {
			continue
		}
		cmd, err := message.ParseCommand(message.TypeCommandAMF0, m.Body())
		require.NoError(p.t, err)
		for _, name := range names {
			if cmd.Name == name {
				return cmd
			}
		}
	}
}

// status reads up to the next onStatus, and returns its code.
func (p *peer) status() string {
	p.t.Helper()
	return message.ParseStatus(p.answer("onStatus").Args).Code
}

// until reads up to the onStatus of a code.
func (p *peer) until(code string) {
	p.t.Helper()
	var seen []string
	for {
		got := p.status()
		if got == code {
			return
		}
		seen = append(seen, got)
		require.Less(p.t, len(seen), 100, "%v", seen)
	}
}

// failed reads an _error, and returns its code.
func (p *peer) failed() string {
	p.t.Helper()
	return message.ParseStatus(p.answer("_error").Args).Code
}

// connect connects, and returns the information object of the answer.
func (p *peer) connect(app string, more ...amf.Property) message.Command {
	p.t.Helper()
	p.command(0, "connect", 1, append(amf.Object{{Name: "app", Value: app}}, more...))
	return p.answer("_result", "_error")
}

// createStream returns the id of a new stream.
func (p *peer) createStream() uint32 {
	p.t.Helper()
	p.command(0, "createStream", 2, nil)
	cmd := p.answer("_result")
	id, ok := cmd.Args[0].(float64)
	require.True(p.t, ok, "%v", cmd)
	return uint32(id)
}

// closed reads up to the end of the connection.
func (p *peer) closed() {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(patience))
	for {
		if _, err := p.next(); err != nil {
			var timeout net.Error
			require.False(p.t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is still open")
			return
		}
	}
}

// alive makes sure that the connection is served.
func (p *peer) alive() {
	p.t.Helper()
	p.command(0, "noSuchMethod", 77, nil)
	require.Equal(p.t, message.CodeCallFailed, p.failed())
}

type chunkAudio = chunk.Outgoing

// control is a protocol control or user control message.
func control(t message.Type, body []byte) chunk.Outgoing {
	return chunk.Outgoing{Type: uint8(t), ChunkStreamID: 2, Body: body}
}
