package interop

import (
	"context"
	"fmt"
	"hash/crc32"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

const systemPython = "/usr/bin/python3" // the one that Debian's packages are for

// difference is where what arrives from us is meant to differ from what arrives from librtmp. theirs makes of librtmp's
// lines what ours should be. Where ours depend on the moment, ours makes them what it does not depend on.
type difference struct {
	name, reason string
	theirs, ours func([]string) []string
}

// flashVer is a difference that several sessions have.
var flashVer = difference{"flashVer", "librtmp has a default, but not for python-librtmp, which does not call " +
	"RTMP_SetupStream; here it is the default", replaced(`("app" "[a-z]+"}), `, `$1, {"flashVer" "LNX 10,0,32,18"}, `), nil}

// What is said when connect's result arrives.
const (
	window = "2/0 Window Acknowledgement Size 2500000"
	buffer = "2/0 User Control 3 0 300"
)

// sessions are the functions of testdata/librtmp_steps.py, each with the same steps here and its differences.
var sessions = map[string]struct {
	steps       func(*testing.T, string, *recording)
	differences []difference
}{
	"live": {live, []difference{flashVer}},
	"packet": {packet, []difference{
		{"connect's result", "python-librtmp hands it to librtmp in create_stream, which is not called; here it counts when it arrives",
			both(added(window, "3/0 connect"), added(buffer, window)), nil},
		{"number of a connect by hand", "librtmp does not count it, and gives its number to the next call too", replaced("echo 1 ", "echo 2 "), nil},
	}},
	"publish": {publishing, []difference{flashVer,
		{"tcUrl after app", "librtmp makes tcUrl when it is given the URL, and an app that is set later does not count; here the " +
			"order does not matter", replaced(`rtmp://ADDRESS/app`, "rtmp://ADDRESS/renamed"), nil},
		{"a publisher's window", "librtmp is told that it publishes before it looks at connect's result, and says neither; here " +
			"CreateStream comes later, and both are said to every server", both(added(buffer, "3/0 connect"), added(window, "3/0 connect")), nil},
		{"chunk size", "librtmp publishes in chunks of 128 bytes; here the chunks are larger, which has to be announced",
			added("2/0 Set Chunk Size 4096", buffer), nil},
		{"video's chunk stream", "librtmp sends audio and video on one chunk stream, here they have one each, as with FFmpeg",
			replaced("4/1 Video", "6/1 Video"), nil},
	}},
	"recorded": {recorded, []difference{
		{"tcUrl after setup_url", "librtmp keeps that of the first URL it was given, and tells one server of another",
			replaced(`rtmp://127.0.0.1:1/first`, "rtmp://ADDRESS/app"), nil},
		{"connect's result", "python-librtmp keeps connect's result from librtmp until create_stream; here it counts when it arrives",
			both(moved(window, "3/0 connect"), moved(buffer, window)), nil},
		{"maps", "python-librtmp sends a dict as an ECMA array; a Go map is an object, and amf.ECMAArray the array",
			replaced(`3/0 object .*`, `3/0 object 8 amf.Object{{"o" 1}} amf.Object{{"k" "v"}}`), nil},
		{"_error", "an _error does not complete a call of python-librtmp, which waits until its time is out; here it does",
			replaced(`"refused" false`, `"refused" true`), nil},
		{"undefined", "python-librtmp reads undefined as None", replaced(`"undefined" null`, `"undefined" undefined`), nil},
		{"dates", "python-librtmp reads dates as None",
			replaced(`"date" null`, `"date" time.Date(1970, time.January, 2, 0, 0, 0, 0, time.UTC)`), nil},
		{"arrays", "python-librtmp loses the elements of arrays: its librtmp gives them to objects only",
			replaced(`"array" {}`, `"array" {1, "b"}`), nil},
		{"ECMA arrays", "likewise", replaced(`"map" amf.ECMAArray{}`, `"map" amf.ECMAArray{{"k" "v"}}`), nil},
		{"no result", "a handler of python-librtmp that returns None leaves the caller waiting; here null is an answer",
			added("3/0 _result 103 null null", "3/0 call me in vain"), nil},
		{"no handler", "python-librtmp leaves a caller waiting whose method it does not know; here it gets an _error",
			added(`3/0 _error 104 null amf.Object{{"level" "error"}, {"code" "NetConnection.Call.Failed"}, `+
				`{"description" "method nobody is not known"}}`, "3/0 _result 103"), nil},
		{"time in a short header", "librtmp takes the time of a packet with a short header for the message's, too; here it is the " +
			"difference to the message before unless Packet.Absolute is set", replaced(`140 ms, onDelta`, "240 ms, onDelta"), nil},
		{"unpause", "librtmp unpauses where it has paused, though more has arrived since; here the newest media counts, since the " +
			"server sends what comes behind it", replaced(`(pause 46 null false) 2000$`, "$1 LATER"), replaced(`(pause 46 null false) [2-9]\d{3}$`, "$1 LATER")},
	}},
}

// replaced edits every line with a match.
func replaced(pattern, with string) func([]string) []string {
	return func(lines []string) []string {
		var edited []string
		for _, line := range lines {
			edited = append(edited, regexp.MustCompile(pattern).ReplaceAllString(line, with))
		}
		return edited
	}
}

func both(a, b func([]string) []string) func([]string) []string {
	return func(lines []string) []string { return b(a(lines)) }
}

// added puts a line behind the first one that begins with before.
func added(line, before string) func([]string) []string {
	return func(lines []string) []string {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, before) })
		return slices.Insert(slices.Clone(lines), i+1, line)
	}
}

// moved puts the first line that begins with prefix behind the first one that begins with before.
func moved(prefix, before string) func([]string) []string {
	return func(lines []string) []string {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
		if i < 0 {
			return lines
		}
		return added(lines[i], before)(slices.Delete(slices.Clone(lines), i, i+1))
	}
}

// The same steps through python-librtmp and through this library bring the same messages to the server, in the same
// order, on the same chunk and message streams, but for the differences that are named.
func TestSameStepsAsLibrtmp(t *testing.T) {
	if out, err := exec.Command(systemPython, "-c", "import librtmp").CombinedOutput(); err != nil {
		programtest.Missing(t, fmt.Sprintf("librtmp for %s is missing: apt-get install python3-librtmp (%v: %s)", systemPython, err, out))
	}
	for name, session := range sessions {
		t.Run(name, func(t *testing.T) {
			url, theirs := recordingServer(t)
			programtest.Run(t, systemPython, "testdata/librtmp_steps.py", name, url, fewTags(t))
			url, ours := recordingServer(t)
			session.steps(t, url, ours)

			want, got := theirs.all(t), ours.all(t)
			for _, d := range session.differences {
				before := want
				want = d.theirs(before)
				assert.NotEqual(t, before, want, "no longer a difference: %s", d.name)
				if d.ours != nil {
					got = d.ours(got)
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

// recording is what a client sends, a line for each message:
//
//	chunk stream/message stream, what it is, its values
type recording struct {
	over chan struct{} // closed when the client has hung up

	mu    sync.Mutex
	lines []string
}

// all returns the lines of a session that has ended.
func (r *recording) all(t *testing.T) []string {
	t.Helper()
	select {
	case <-r.over:
	case <-conntest.Context(t).Done():
		t.Fatal("the client does not hang up")
	}
	return r.lines
}

// await waits for a line that contains text.
func (r *recording) await(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(r.lines, func(line string) bool { return strings.Contains(line, text) })
	}, 30*time.Second, time.Millisecond, text)
}

func (r *recording) add(m *chunk.Message) (line string) {
	if m.Type == uint8(message.TypeAcknowledgement) {
		return "" // when is everybody's own business
	}
	line = fmt.Sprintf("%d/%d %s", m.ChunkStreamID, m.StreamID, describe(m))
	line = regexp.MustCompile(`127\.0\.0\.1:[0-9]{2,}`).ReplaceAllString(line, "ADDRESS")
	line = regexp.MustCompile(`x{100,}`).ReplaceAllStringFunc(line, func(s string) string { return fmt.Sprint(len(s), " x") })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	return line
}

func describe(m *chunk.Message) string {
	switch t := message.Type(m.Type); t {
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(t, m.Body())
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %v%s", cmd.Name, cmd.TransactionID, values(append([]any{cmd.Object}, cmd.Args...)))
	case message.TypeDataAMF0, message.TypeDataAMF3:
		d, err := message.ParseData(t, m.Body())
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %d ms, %s%s", t, m.Timestamp, d.Name, values(d.Args))
	case message.TypeUserControl:
		u, err := message.ParseUserControl(m.Body())
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %d %d %d", t, u.Event, u.Value, u.Buffer)
	case message.TypeAudio, message.TypeVideo:
		return fmt.Sprintf("%s %d ms, %d bytes, %08x", t, m.Timestamp, m.Len(), crc32.ChecksumIEEE(m.Body()))
	default:
		v, err := message.Uint32(t, m.Body())
		if err != nil || m.Len() > 4 {
			return fmt.Sprintf("%s %x", t, m.Body())
		}
		return fmt.Sprintf("%s %d", t, v)
	}
}

// values shows AMF values with their types.
func values(list []any) string {
	var b strings.Builder
	for _, v := range list {
		fmt.Fprintf(&b, " %#v", v)
	}
	return strings.NewReplacer("amf.Property{Name:", "{", `", Value:`, `" `, "[]interface {}", "", "interface {}(nil)", "null",
		"<nil>", "null", " 0x0", " undefined").Replace(b.String())
}

// gifts are what the server's method give has to give.
var gifts = map[string]any{
	"number": 1.5, "boolean": true, "string": "text", "null": nil, "undefined": amf.Undefined, "date": time.UnixMilli(86400000),
	"object": amf.Object{{Name: "b", Value: 1.0}, {Name: "a", Value: amf.Object{{Name: "in", Value: "side"}}}},
	"array":  []any{1.0, "b"}, "map": amf.ECMAArray{{Name: "k", Value: "v"}},
}

// recordingServer answers the calls of the steps.
func recordingServer(t *testing.T) (url string, r *recording) {
	t.Helper()
	r = &recording{over: make(chan struct{})}
	l := conntest.Listen(t)
	cfg := testserver.Config{
		Files: map[string][]byte{"sample": testserver.Sample},
		Shape: testserver.Shape{EndSignal: testserver.EndNothing}, // librtmp would hang up by itself
		OnMessage: func(s *testserver.Session, m *chunk.Message) {
			switch line := r.add(m); { // the next when the last was answered: handlers' answers are not in order with others
			case strings.Contains(line, " _result 100 "):
				s.Send(call("describe", 101, 1, "b"))
			case strings.Contains(line, " _result 101 "):
				s.Send(call("ping", 102))
			case strings.Contains(line, " pong 102 "):
				s.Send(call("tell", 0, "a", 5))
			}
		},
		OnConnect: func(s *testserver.Session) { s.Notify("welcome", "you") },
		Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
			"echo":      func(_ *testserver.Session, cmd message.Command) (any, error) { return cmd.Args[0], nil },
			"give":      func(_ *testserver.Session, cmd message.Command) (any, error) { return gifts[cmd.Args[0].(string)], nil },
			"refuse me": func(*testserver.Session, message.Command) (any, error) { return nil, fmt.Errorf("no") },
			// Numbered by hand: python-librtmp takes anything numbered 1 for the answer to connect.
			"call me back": func(s *testserver.Session, _ message.Command) (any, error) {
				return "ok", s.Send(call("MyMath.MyAdd", 100, 20, 22))
			},
			"call me in vain": func(s *testserver.Session, _ message.Command) (any, error) {
				return "ok", s.Send(call("silent", 103, 1), call("nobody", 104), call("tell", 0, "b", 6))
			},
			"ping me": func(s *testserver.Session, _ message.Command) (any, error) { return "ok", s.Ping(1234) },
			"measure": func(s *testserver.Session, _ message.Command) (any, error) { return "ok", s.Notify("onBWDone") },
		},
	}
	for _, name := range []string{"welcomed", "unanswered", "many", "nested", "object", "numbered", "long", "longer", "elsewhere",
		"saw", "byHand", "last", "pong", "NetStream.Authenticate.UsherToken"} {
		cfg.Handlers[name] = func(*testserver.Session, message.Command) (any, error) { return "ok", nil }
	}
	s := testserver.Serve(&listener{Listener: l, over: r.over}, cfg)
	t.Cleanup(s.Close)
	return s.URL("app", "sample"), r
}

func call(name string, id float64, args ...any) chunk.Outgoing {
	return peertest.Command(0, name, id, nil, args...)
}

// listener tells when the server is through with its only connection.
type listener struct {
	net.Listener
	over chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return &connection{Conn: nc, close: sync.OnceFunc(func() { close(l.over) })}, err
}

type connection struct {
	net.Conn
	close func()
}

// Write does not fail: what librtmp sent before it hung up still counts.
func (c *connection) Write(b []byte) (int, error) {
	c.Conn.Write(b)
	return len(b), nil
}

func (c *connection) Close() error {
	c.close()
	return c.Conn.Close()
}

// fewTags is the beginning of the sample, as a file.
func fewTags(t *testing.T) string {
	file := rtmptest.File(rtmptest.SampleTags(t)[:12]...)
	path := filepath.Join(t.TempDir(), "few.flv")
	require.NoError(t, os.WriteFile(path, file, 0o644))
	return path
}

// player is a Conn whose errors fail the test.
type player struct {
	*rtmp.Conn
	t   *testing.T
	ctx context.Context
}

func newPlayer(t *testing.T, url string, o *rtmp.Options) *player {
	if o == nil {
		o = &rtmp.Options{}
	}
	o.NoEnhanced = true // librtmp does not know it
	c, err := rtmp.New(url, o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &player{c, t, conntest.Context(t)}
}

func (p *player) connect() {
	k, err := p.Connect(p.ctx)
	require.NoError(p.t, err)
	_, err = k.Result(p.ctx)
	require.NoError(p.t, err)
}

func (p *player) send(o rtmp.CallOptions, method string, args ...any) *rtmp.Call {
	k, err := p.CallWith(p.ctx, o, method, args...)
	require.NoError(p.t, err, method)
	return k
}

func (p *player) result(o rtmp.CallOptions, method string, args ...any) any {
	v, err := p.send(o, method, args...).Result(p.ctx)
	require.NoError(p.t, err, method)
	return v
}

func (p *player) packet(packet rtmp.Packet, values ...any) {
	var err error
	packet.Body, err = amf.AppendAMF0(nil, values...)
	require.NoError(p.t, err)
	require.NoError(p.t, p.SendPacket(p.ctx, &packet))
}

func (p *player) handleUntil(wanted func(*rtmp.Packet) bool) {
	for packet := (rtmp.Packet{}); ; {
		require.NoError(p.t, p.ReadPacket(p.ctx, &packet))
		require.NoError(p.t, p.HandlePacket(p.ctx, &packet))
		if wanted(&packet) {
			return
		}
	}
}

func recorded(t *testing.T, url string, server *recording) {
	// options
	c := newPlayer(t, "rtmp://127.0.0.1:1/first/one", &rtmp.Options{SWFURL: "http://example.com/player.swf",
		ConnectData: []any{true, "text", 15, nil, amf.Object{{Name: "a", Value: "b"}, {Name: "n", Value: 1}, {Name: "t", Value: false}}},
		Subscribe:   "channel", UsherToken: "ticket", Start: time.Second, Stop: 9 * time.Second})
	require.NoError(t, c.SetupURL(url+` pageUrl=http://example.com/a\20page buffer=4000 conn=S:last\20one`))
	require.NoError(t, c.SetOption("flashver", "LNX 11,2,202,235"))
	require.NoError(t, c.SetOption("conn", "N:1.5"))
	for _, item := range []string{"O:1", "NS:s:in", "NO:deep:1", "NN:n:2", "O:0", "NB:b:1", "O:0"} {
		require.NoError(t, c.SetOption("conn", item))
	}
	require.NoError(t, c.SetOption("playlist", "yes"))
	require.NoError(t, c.SetOption("timeout", "20"))

	// methods for the server
	c.InvokeHandler("MyMath.MyAdd", rtmp.Func(func(x, y float64) float64 { return x + y }))
	c.InvokeHandler("describe", func(_ context.Context, args []any) (any, error) {
		return amf.Object{{Name: "count", Value: len(args)}, {Name: "all", Value: args},
			{Name: "by name", Value: amf.ECMAArray{{Name: "yes", Value: true}}}}, nil
	})
	c.InvokeHandler("silent", func(context.Context, []any) (any, error) { return nil, nil })
	c.InvokeHandler("welcome", rtmp.Func(func(ctx context.Context, name string) error {
		_, err := c.Call(ctx, "welcomed", name)
		return err
	}))

	// calls
	plain := rtmp.CallOptions{}
	require.False(t, c.Connected())
	c.connect()
	require.True(t, c.Connected())
	require.Equal(t, 1.5, c.result(plain, "echo", 1.5))
	server.await(t, "welcomed") // handlers run beside us
	require.Equal(t, "zażółć €", c.result(plain, "echo", "zażółć €"))
	c.send(plain, "unanswered")
	c.result(plain, "many", true, false, nil, "", "a", -3, 1e300, math.Inf(1), int64(1)<<53)
	c.result(plain, "nested", amf.Object{{Name: "b", Value: 1}, {Name: "a", Value: []any{1, "b", amf.ECMAArray{{Name: "k"}}}}},
		amf.ECMAArray{{Name: "z", Value: 1}, {Name: "a", Value: amf.Object{}}}, []any{})
	c.result(rtmp.CallOptions{Object: map[string]any{"o": 1.0}}, "object", map[string]any{"k": "v"})
	c.result(rtmp.CallOptions{TransactionID: 77}, "numbered")
	c.result(plain, "long", strings.Repeat("x", 300))
	c.result(plain, "longer", strings.Repeat("x", 70000))
	c.result(rtmp.CallOptions{ChunkStreamID: 8}, "elsewhere", 1)
	got, err := c.RemoteMethod("echo")(c.ctx, "remote")
	require.NoError(t, err)
	require.Equal(t, "remote", got)
	require.Equal(t, "not blocking", c.result(plain, "echo", "not blocking"))
	refused := c.send(plain, "refuse me")
	c.result(plain, "echo", "behind it")
	c.result(plain, "saw", "refused", refused.Reply() != nil)
	for _, kind := range []string{"number", "boolean", "string", "null", "object", "undefined", "date", "array", "map"} {
		c.result(plain, "saw", kind, c.result(plain, "give", kind))
	}

	// calls of the server
	c.send(plain, "call me back")
	args, err := c.WaitInvoke(c.ctx, "tell")
	require.NoError(t, err)
	require.Equal(t, []any{"a", 5.0}, args)
	c.send(plain, "call me in vain")
	args, err = c.WaitInvoke(c.ctx, "tell")
	require.NoError(t, err)
	require.Equal(t, []any{"b", 6.0}, args)
	server.await(t, "_error 104")

	// packets
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, ChunkStreamID: 4, Timestamp: 100}, "onSomething", 7)
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, Format: chunk.Format1, ChunkStreamID: 4, Timestamp: 140}, "onDelta")
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, Format: chunk.Format1, ChunkStreamID: 4, Timestamp: 1 << 24, Absolute: true},
		"onExtended")
	c.packet(rtmp.Packet{Type: message.TypeCommandAMF0, Format: chunk.Format1, ChunkStreamID: 3}, "byHand", 0, nil, "x")
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, Format: chunk.Format1, ChunkStreamID: 70}, "elsewhere", []any{true})
	c.send(plain, "ping me")
	c.handleUntil(func(p *rtmp.Packet) bool { return p.Type == message.TypeUserControl })
	c.send(plain, "measure")
	c.handleUntil(func(p *rtmp.Packet) bool {
		cmd, err := message.ParseCommand(p.Type, p.Body)
		return p.Type == message.TypeCommandAMF0 && err == nil && cmd.Name == "_onbwdone"
	})

	// a stream
	s, err := c.CreateStream(c.ctx, &rtmp.StreamOptions{NoBufferUpdate: true})
	require.NoError(t, err)
	n, err := s.Read(make([]byte, 1024))
	require.NoError(t, err)
	require.Positive(t, n)
	require.NoError(t, s.Seek(c.ctx, 3*time.Second))
	c.handleUntil(func(p *rtmp.Packet) bool { return p.Type == message.TypeVideo })
	require.NoError(t, s.Pause(c.ctx))
	require.NoError(t, s.Unpause(c.ctx))
	require.NoError(t, s.UpdateBuffer(c.ctx, 9*time.Second))
	c.result(plain, "last")
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
	require.False(t, c.Connected())
}

func live(t *testing.T, url string, _ *recording) {
	c := newPlayer(t, url, &rtmp.Options{Live: true})
	_, err := c.Connect(c.ctx)
	require.NoError(t, err)
	s, err := c.CreateStream(c.ctx, nil)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
}

func packet(t *testing.T, url string, _ *recording) {
	c := newPlayer(t, url, nil)
	p := rtmp.Packet{Type: message.TypeCommandAMF0, ChunkStreamID: 3}
	var err error
	p.Body, err = amf.AppendAMF0(nil, "connect", 1,
		amf.Object{{Name: "app", Value: "mine"}, {Name: "extra", Value: amf.ECMAArray{{Name: "deep", Value: []any{1}}}}}, "more")
	require.NoError(t, err)
	k, err := c.ConnectPacket(c.ctx, &p)
	require.NoError(t, err)
	_, err = k.Result(c.ctx)
	require.NoError(t, err)
	c.result(rtmp.CallOptions{}, "echo", 1)
	require.NoError(t, c.Close())
}

func publishing(t *testing.T, url string, _ *recording) {
	c := newPlayer(t, url, &rtmp.Options{App: "renamed"})
	c.connect()
	s, err := c.CreateStream(c.ctx, &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	file, err := os.ReadFile(fewTags(t))
	require.NoError(t, err)
	_, err = s.Write(file)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
}
