package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// session returns the bytes that a client sends after the handshake if it uses every feature.
func session(t testing.TB) []byte {
	out := chunk.NewWriter()
	var b []byte
	send := func(o chunk.Outgoing) {
		var err error
		b, err = out.AppendMessage(b, &o)
		require.NoError(t, err)
	}
	command := func(stream uint32, name string, id float64, object any, args ...any) {
		body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: name, TransactionID: id, Object: object, Args: args})
		require.NoError(t, err)
		send(chunk.Outgoing{Type: 20, ChunkStreamID: 3, StreamID: stream, Format: 3, Body: body})
	}
	command(0, "connect", 1, amf.Object{{Name: "app", Value: "live?key=1"}, {Name: "tcUrl", Value: "rtmp://h/live"}, {Name: "fourCcList", Value: []any{"*"}}})
	send(peertest.Control(message.TypeWindowAckSize, message.AppendUint32(nil, 1000)))
	send(peertest.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, 0, 300)))
	command(0, "FCPublish", 2, nil, "x")
	command(0, "createStream", 3, nil)
	command(0, "createStream", 4, nil)
	command(1, "publish", 5, nil, "x?token=1", "record")
	command(2, "play", 6, nil, "x", -2000.0, -1.0, true)
	for _, tag := range sample(t)[:12] {
		send(chunk.Outgoing{Type: uint8(tag.Type), ChunkStreamID: 4, StreamID: 1, Timestamp: tag.Timestamp, Format: 3, Body: tag.Body})
	}
	shared, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: "so", Persistent: true, Events: []message.SharedEvent{
		{Type: message.SharedUse}, {Type: message.SharedRequestChange, Data: func() []byte { d, _ := message.AppendSharedProperty(nil, "p", 1); return d }()}}})
	require.NoError(t, err)
	send(chunk.Outgoing{Type: 19, ChunkStreamID: 3, Body: shared})
	command(0, "echo", 7, nil, amf.Object{{Name: "a", Value: []any{1.0, "b"}}})
	command(2, "pause", 0, nil, true, 0.0)
	command(2, "seek", 0, nil, 100.0)
	command(2, "receiveVideo", 0, nil, false)
	command(0, "_checkbw", 8, nil)
	command(1, "closeStream", 0, nil)
	command(2, "play", 9, nil, "film", 0.0)
	command(0, "deleteStream", 0, nil, 1.0)
	return b
}

// script is a connection to a client that accepts all input, and whose output is fixed in advance.
type script struct {
	net.Conn
	in io.Reader
}

func (c *script) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *script) Write(b []byte) (int, error)      { return len(b), nil }
func (c *script) Close() error                     { return nil }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// TestMutatedClients damages each byte of what a client sends. No mutation may cause a panic or leak a goroutine. Nothing may stay in
// memory except the shared objects of applications whose names come from mutations.
func TestMutatedClients(t *testing.T) {
	sessions := 1000
	if os.Getenv("RTMP_LONG") != "" {
		sessions = 10_000
	}
	f := vodFolder(t)
	require.NoError(t, os.Rename(f.Dir+"/vod", f.Dir+"/live"))
	f.Done = func(*server.Request, string, error) {}
	var panics logs
	s := &server.Server{Logger: slog.New(slog.NewTextHandler(&panics, &slog.HandlerOptions{Level: slog.LevelError})),
		Apps: map[string]*server.App{"*": {Files: f, Live: server.Live{Linger: -1},
			Methods: map[string]server.Method{"echo": func(_ context.Context, _ *server.Conn, args []any) (any, error) { return args, nil }}}}}
	defer s.Close()
	good := session(t)
	handshake := append(append([]byte{3}, make([]byte, 1536)...), make([]byte, 1536)...)
	r := rand.New(rand.NewPCG(1, 2))
	goroutines, before := runtime.NumGoroutine(), heap()
	for range sessions {
		b := bytes.Clone(good)
		for range 1 + r.IntN(4) {
			switch at := r.IntN(len(b)); r.IntN(4) {
			case 0:
				b[at] = byte(r.Uint32())
			case 1:
				b[at] ^= 1 << r.IntN(8)
			case 2:
				b = b[:at+1]
			case 3:
				b = append(b[:at:at], b[min(len(b), at+1+r.IntN(20)):]...)
			}
			if len(b) == 0 {
				b = []byte{0}
			}
		}
		require.Error(t, s.ServeConn(context.Background(), &script{in: io.MultiReader(bytes.NewReader(handshake), bytes.NewReader(b))}))
	}
	assert.Empty(t, panics.String())
	assert.Zero(t, s.Stats().Conns)
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines+5 })
	after := heap()
	t.Logf("%d sessions, heap %d KiB before, %d KiB after, goroutines %d and %d", sessions, before>>10, after>>10, goroutines, runtime.NumGoroutine())
	assert.Less(t, after, before+8<<20)
}
