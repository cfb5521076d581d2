package server_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// peer is a client that sends only what a test tells it to send.
type peer struct{ *peertest.Client }

func newPeer(t testing.TB, addr string) *peer {
	t.Helper()
	return &peer{peertest.Dial(t, addr)}
}

// peerOn performs the handshake.
func peerOn(t testing.TB, nc net.Conn) *peer {
	t.Helper()
	return &peer{peertest.NewClient(t, nc)}
}

// piped calls s.ServeConn with one end of a pipe. It returns a peer at the other end, without a deadline, and a channel that receives the
// error of ServeConn.
func piped(t testing.TB, s *server.Server) (p *peer, done <-chan error) {
	t.Helper()
	client, served := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- s.ServeConn(context.Background(), served) }()
	p = peerOn(t, client)
	p.Conn.SetDeadline(time.Time{})
	return p, ended
}

func (p *peer) command(stream uint32, name string, transaction float64, object any, args ...any) {
	p.T.Helper()
	p.Send(peertest.Command(stream, name, transaction, object, args...))
}

// media sends an audio or video message.
func (p *peer) media(t message.Type, stream, timestamp uint32, body []byte) {
	p.T.Helper()
	p.Send(chunk.Outgoing{Type: uint8(t), ChunkStreamID: 4, StreamID: stream, Timestamp: timestamp, Format: chunk.Format0, Body: body})
}

// answer reads up to the next command with one of the names.
func (p *peer) answer(names ...string) message.Command {
	p.T.Helper()
	return p.Until(func(m peertest.Message) bool { return slices.Contains(names, m.Command.Name) }).Command
}

// status reads up to the next onStatus, and returns its code.
func (p *peer) status() string {
	p.T.Helper()
	return message.ParseStatus(p.answer("onStatus").Args).Code
}

// failed reads an _error, and returns its code.
func (p *peer) failed() string {
	p.T.Helper()
	return message.ParseStatus(p.answer("_error").Args).Code
}

// connect connects, and returns the answer.
func (p *peer) connect(app string, more ...amf.Property) message.Command {
	p.T.Helper()
	p.command(0, "connect", 1, append(amf.Object{{Name: "app", Value: app}}, more...))
	return p.answer("_result", "_error")
}

// alive checks that the server still answers commands.
func (p *peer) alive() {
	p.T.Helper()
	p.command(0, "noSuchMethod", 77, nil)
	require.Equal(p.T, message.CodeCallFailed, p.failed())
}
