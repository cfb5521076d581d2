package rtmp

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(senderEnv); what != "" {
		runSender(what)
		return
	}
	goleak.VerifyTestMain(m)
}

// peer is a scripted server: it does exactly what a test tells it to, message by message.
type peer struct {
	t   *testing.T
	nc  net.Conn
	in  *chunk.Reader
	out *chunk.Writer
}

// newPeer runs script as the server of one connection and returns the URL. The script ends before the test does.
func newPeer(t *testing.T, script func(p *peer)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(20 * time.Second)) // a script that hangs fails instead of hanging the run
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		script(&peer{t: t, nc: nc, in: chunk.NewReader(nc, 0), out: chunk.NewWriter()})
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "rtmp://" + l.Addr().String() + "/app/play"
}

// expect reads until a command of that name and returns it. It gives nil when the client has gone.
func (p *peer) expect(name string) *message.Command {
	for {
		var m chunk.Message
		if err := p.in.Next(&m); err != nil {
			return nil
		}
		if message.Type(m.Type) != message.TypeCommandAMF0 {
			continue
		}
		cmd, err := message.ParseCommand(message.TypeCommandAMF0, m.Body())
		if err == nil && cmd.Name == name {
			return &cmd
		}
	}
}

// expectType reads until a message of that type and returns its body.
func (p *peer) expectType(t message.Type) []byte {
	for {
		var m chunk.Message
		if err := p.in.Next(&m); err != nil {
			return nil
		}
		if message.Type(m.Type) == t {
			return append([]byte{}, m.Body()...)
		}
	}
}

// untilGone reads until the client hangs up.
func (p *peer) untilGone() {
	var m chunk.Message
	for p.in.Next(&m) == nil {
	}
}

func (p *peer) encode(o chunk.Outgoing) []byte {
	b, err := p.out.AppendMessage(nil, &o)
	if err != nil {
		panic(err)
	}
	return b
}

func (p *peer) send(o chunk.Outgoing) { p.nc.Write(p.encode(o)) }

func (p *peer) control(t message.Type, body []byte) { p.send(session.Control(t, body)) }

func (p *peer) call(streamID uint32, name string, id float64, object any, args ...any) {
	o, err := session.Command(3, streamID, &message.Command{Name: name, TransactionID: id, Object: object, Args: args})
	if err != nil {
		panic(err)
	}
	p.send(o)
}

func (p *peer) status(code string) {
	level := "status"
	if code == "NetStream.Play.StreamNotFound" || code == "NetStream.Seek.InvalidTime" {
		level = "error"
	}
	p.call(1, "onStatus", 0, nil, message.StatusObject(level, code, "about "+code))
}

func (p *peer) media(t message.Type, timestamp uint32, body []byte) {
	p.send(chunk.Outgoing{Type: uint8(t), ChunkStreamID: 6, StreamID: 1, Timestamp: timestamp, Format: chunk.Format3, Body: body})
}

func (p *peer) data(name string, args ...any) {
	body, err := message.AppendData(nil, message.TypeDataAMF0, name, args...)
	if err != nil {
		panic(err)
	}
	p.media(message.TypeDataAMF0, 0, body)
}

// accept answers connect.
func (p *peer) accept() *message.Command {
	cmd := p.expect("connect")
	if cmd != nil {
		p.call(0, "_result", cmd.TransactionID, message.StatusObject("", "", ""),
			message.StatusObject("status", "NetConnection.Connect.Success", "welcome"))
	}
	return cmd
}

// play answers createStream and play.
func (p *peer) play() *message.Command {
	p.accept()
	if cmd := p.expect("createStream"); cmd != nil {
		p.call(0, "_result", cmd.TransactionID, nil, 1.0)
	}
	cmd := p.expect("play")
	p.status("NetStream.Play.Start")
	return cmd
}

// testContext bounds a test that would hang.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dialed connects and closes with the test.
func dialed(t *testing.T, url string, o *Options) *Conn {
	t.Helper()
	c, err := Dial(testContext(t), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// playing connects and opens the stream.
func playing(t *testing.T, url string, o *Options) (*Conn, *Stream) {
	t.Helper()
	c := dialed(t, url, o)
	s, err := c.CreateStream(testContext(t), nil)
	require.NoError(t, err)
	return c, s
}

// newRawServer sends answer to whoever connects, reads until they leave, and returns its address.
func newRawServer(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		nc.Write([]byte(answer))
		io.Copy(io.Discard, nc)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}
