package interop

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// recording records what a client sends, with a line for each message:
//
//	chunk stream/message stream, what it is, its values
type recording struct {
	patient *conntest.Patient

	mu    sync.Mutex
	lines []string
}

// all returns the lines of a session that has ended.
func (r *recording) all(t *testing.T) []string {
	t.Helper()
	over := make(chan struct{})
	go func() { r.patient.Conns.Wait(); close(over) }()
	select {
	case <-over:
	case <-conntest.Context(t).Done():
		t.Fatal("the client does not close the connection")
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
		return "" // when a client acknowledges is up to the client
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

// gifts contains the results of the server's method give.
var gifts = map[string]any{
	"number": 1.5, "boolean": true, "string": "text", "null": nil, "undefined": amf.Undefined, "date": time.UnixMilli(86400000),
	"object": amf.Object{{Name: "b", Value: 1.0}, {Name: "a", Value: amf.Object{{Name: "in", Value: "side"}}}},
	"array":  []any{1.0, "b"}, "map": amf.ECMAArray{{Name: "k", Value: "v"}},
}

// recordingServer is a server that records what a client sends and answers the calls of the steps.
func recordingServer(t *testing.T) (url string, r *recording) {
	t.Helper()
	r = &recording{patient: &conntest.Patient{Listener: conntest.Listen(t)}}
	cfg := testserver.Config{
		Files: map[string][]byte{"sample": testserver.Sample},
		Shape: testserver.Shape{EndSignal: testserver.EndNothing}, // librtmp would otherwise close the connection
		OnMessage: func(s *testserver.Session, m *chunk.Message) {
			switch line := r.add(m); { // The next call follows the answer to the last one, since the answers of handlers are not ordered with other messages.
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
			// The transaction id is chosen here, since python-librtmp mistakes any answer with the id 1 for the answer to connect.
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
	s := testserver.Serve(r.patient, cfg)
	t.Cleanup(s.Close)
	return s.URL("app", "sample"), r
}

func call(name string, id float64, args ...any) chunk.Outgoing {
	return peertest.Command(0, name, id, nil, args...)
}
