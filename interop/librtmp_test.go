package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

const systemPython = "/usr/bin/python3" // the one that Debian's packages are for

// recording is what a client has sent, a line for each message.
type recording struct {
	mu       sync.Mutex
	commands []string // commands and data
	controls []string // everything else
	over     chan struct{}
}

func (r *recording) add(m *chunk.Message) {
	t := message.Type(m.Type)
	where := fmt.Sprintf("chunk stream %d, message stream %d: ", m.ChunkStreamID, m.StreamID)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch t {
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(t, m.Body())
		r.commands = append(r.commands, where+fmt.Sprintf("%s %g %v %v %v", cmd.Name, cmd.TransactionID, cmd.Object, cmd.Args, err))
		if cmd.Name == "deleteStream" {
			close(r.over)
		}
	case message.TypeDataAMF0:
		d, err := message.ParseData(t, m.Body())
		r.commands = append(r.commands, where+fmt.Sprintf("data %s %v %v", d.Name, d.Args, err))
	case message.TypeAcknowledgement: // when is everybody's own business
	default:
		r.controls = append(r.controls, where+t.String()+" "+hex.EncodeToString(m.Body()))
	}
}

// last is the newest command.
func (r *recording) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.commands) == 0 {
		return ""
	}
	return r.commands[len(r.commands)-1]
}

// recordingServer answers the calls of the steps.
func recordingServer(t *testing.T) (url string, r *recording) {
	t.Helper()
	r = &recording{over: make(chan struct{})}
	ok := func(*testserver.Session, message.Command) (any, error) { return "ok", nil }
	cfg := testserver.Config{
		OnMessage: func(s *testserver.Session, m *chunk.Message) {
			if r.add(m); strings.Contains(r.last(), "_result 100") {
				s.Send(call(t, "tell", 0, "a", 5))
			}
		},
		Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
			"echo":    func(_ *testserver.Session, cmd message.Command) (any, error) { return cmd.Args[0], nil },
			"nothing": ok, "many": ok, "object": ok, "numbered": ok, "long": ok, "elsewhere": ok, "last": ok, "byHand": ok,
			"callMeBack": func(s *testserver.Session, _ message.Command) (any, error) {
				// Numbered by hand: python-librtmp takes anything numbered 1 for the answer to connect.
				return "ok", s.Send(call(t, "MyMath.MyAdd", 100, 20, 22), call(t, "silent", 0))
			},
			"ping me": func(s *testserver.Session, _ message.Command) (any, error) { return "ok", s.Ping(1234) },
		},
	}
	return startServer(t, cfg).URL("app", "sample"), r
}

func call(t *testing.T, name string, id float64, args ...any) chunk.Outgoing {
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: name, TransactionID: id, Args: args})
	require.NoError(t, err)
	return chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Format: chunk.Format3, Body: body}
}

// anonymous matches the servers' addresses, which are in tcUrl.
var anonymous = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// differences are where the two differ on purpose.
var differences = []struct{ theirs, ours, reason string }{
	{"{tcUrl rtmp://ADDRESS/app}", "{tcUrl rtmp://ADDRESS/renamed}",
		"librtmp derives tcUrl when it is given the URL, and an app that is set later does not count; here the order does not matter"},
}

// answered is what we say and librtmp does not: RTMP 1.0 section 5.4.5 asks for an answer to Set Peer Bandwidth.
const answered = "chunk stream 2, message stream 0: Window Acknowledgement Size 002625a0"

// The same steps through python-librtmp and through this library bring the same messages to the server.
func TestSameStepsAsLibrtmp(t *testing.T) {
	if out, err := exec.Command(systemPython, "-c", "import librtmp").CombinedOutput(); err != nil {
		if text := "apt-get install python3-librtmp: " + string(out); os.Getenv("CI") != "" {
			t.Fatal(text)
		} else {
			t.Skip(text)
		}
	}
	url, theirs := recordingServer(t)
	run(t, systemPython, "testdata/librtmp_steps.py", url)
	<-theirs.over
	url, ours := recordingServer(t)
	steps(t, url)
	<-ours.over

	theirs.mu.Lock()
	defer theirs.mu.Unlock()
	ours.mu.Lock()
	defer ours.mu.Unlock()
	for i, line := range theirs.commands {
		line = anonymous.ReplaceAllString(line, "ADDRESS")
		for _, d := range differences {
			line = strings.Replace(line, d.theirs, d.ours, 1)
		}
		theirs.commands[i] = line
	}
	for i, line := range ours.commands {
		ours.commands[i] = anonymous.ReplaceAllString(line, "ADDRESS")
	}
	assert.Equal(t, theirs.commands, ours.commands)
	assert.Greater(t, len(ours.commands), 20)
	theirs.controls = append(theirs.controls, answered)
	slices.Sort(theirs.controls) // librtmp says some of it later: when it is told to handle connect's result
	slices.Sort(ours.controls)
	assert.Equal(t, theirs.controls, ours.controls)
}

// steps are those of testdata/librtmp_steps.py.
func steps(t *testing.T, url string) {
	ctx := testContext(t)
	c, err := rtmp.New(url+` pageUrl=http://example.com/a\20page buffer=4000`, &rtmp.Options{
		SWFURL: "http://example.com/player.swf", Subscribe: "channel",
		ConnectData: []any{true, "text", 15, nil, amf.Object{{Name: "a", Value: "b"}, {Name: "n", Value: 1}, {Name: "t", Value: false}}},
		NoEnhanced:  true})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetOption("flashver", "LNX 11,2,202,235"))
	require.NoError(t, c.SetOption("conn", "N:1.5"))
	require.NoError(t, c.SetOption("app", "renamed"))
	c.InvokeHandler("MyMath.MyAdd", rtmp.Func(func(x, y float64) float64 { return x + y }))
	c.InvokeHandler("silent", func(context.Context, []any) (any, error) { return nil, nil })
	require.False(t, c.Connected())
	connected, err := c.Connect(ctx)
	require.NoError(t, err)
	_, err = connected.Result(ctx)
	require.NoError(t, err)
	require.True(t, c.Connected())

	send := func(o rtmp.CallOptions, method string, args ...any) *rtmp.Call {
		k, err := c.CallWith(ctx, o, method, args...)
		require.NoError(t, err, method)
		return k
	}
	result := func(o rtmp.CallOptions, method string, args ...any) any {
		v, err := send(o, method, args...).Result(ctx)
		require.NoError(t, err, method)
		return v
	}
	require.Equal(t, 1.5, result(rtmp.CallOptions{}, "echo", 1.5))
	require.Equal(t, "text", result(rtmp.CallOptions{}, "echo", "text"))
	send(rtmp.CallOptions{}, "nothing")
	result(rtmp.CallOptions{}, "many", true, nil, "a", -3, []any{1, "b"})
	result(rtmp.CallOptions{Object: map[string]any{"o": 1.0}}, "object", map[string]any{"k": "v"})
	result(rtmp.CallOptions{TransactionID: 77}, "numbered")
	result(rtmp.CallOptions{}, "long", strings.Repeat("x", 300))
	result(rtmp.CallOptions{ChunkStreamID: 8}, "elsewhere", 1)
	got, err := c.RemoteMethod("echo")(ctx, "remote")
	require.NoError(t, err)
	require.Equal(t, "remote", got)
	result(rtmp.CallOptions{}, "echo", "not waited for")
	send(rtmp.CallOptions{}, "callMeBack")
	args, err := c.WaitInvoke(ctx, "tell")
	require.NoError(t, err)
	require.Equal(t, []any{"a", 5.0}, args)

	packet := func(p rtmp.Packet, values ...any) {
		p.Body, err = amf.AppendAMF0(nil, values...)
		require.NoError(t, err)
		require.NoError(t, c.SendPacket(ctx, &p))
	}
	packet(rtmp.Packet{Type: message.TypeDataAMF0, ChunkStreamID: 4}, "onSomething", 7)
	packet(rtmp.Packet{Type: message.TypeCommandAMF0, Format: chunk.Format1, ChunkStreamID: 3}, "byHand", 0, nil, "x")
	send(rtmp.CallOptions{}, "ping me")
	var p rtmp.Packet
	for p.Type != message.TypeUserControl {
		require.NoError(t, c.ReadPacket(ctx, &p))
		require.NoError(t, c.HandlePacket(ctx, &p))
	}

	s, err := c.CreateStream(ctx, &rtmp.StreamOptions{NoBufferUpdate: true})
	require.NoError(t, err)
	n, err := s.Read(make([]byte, 1024))
	require.NoError(t, err)
	require.Positive(t, n)
	require.NoError(t, s.UpdateBuffer(ctx, 9e9))
	result(rtmp.CallOptions{}, "last")
	require.NoError(t, s.Close())
}
