package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// web starts an HTTP server with FLVHandler.
func web(t testing.TB, s *server.Server) string {
	t.Helper()
	w := httptest.NewServer(s.FLVHandler())
	t.Cleanup(func() {
		s.Close()
		w.Close()
	})
	return w.URL
}

func get(t testing.TB, url string) (status int, body []byte) {
	t.Helper()
	res := view(t, url)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, body
}

// view requests url, and returns when the response has begun. The viewer of a live stream is then a player.
func view(t testing.TB, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(background(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestHTTPFLVLive(t *testing.T) {
	stopped := make(chan server.StreamStats, 1)
	s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1},
		Stop: func(r *server.Request, st server.StreamStats) { stopped <- st }}}}
	url := web(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	defer pub.Close()
	all := sample(t)
	for _, tag := range all {
		require.NoError(t, pub.WritePacket(&message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
	}
	res := view(t, url+"/live/x.flv?key=1")
	pub.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	got := media(tags(t, body))
	assert.Equal(t, media(all)[len(media(all))-1], got[len(got)-1])
	assert.Equal(t, byte(5), body[4], "the file header announces sound and pictures")
	waitFor(t, "Stop", stopped)
	eventually(t, "the viewer has gone", func() bool { return s.Stats().Conns == 0 }) // the slot is released after Stop has returned
}

// counting is a listener that counts the writes of its connections.
type counting struct {
	net.Listener
	writes *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return conntest.WriteCounter{Conn: nc, Writes: l.writes}, err
}

// TestHTTPFLVWritesMessagesWhole checks that each message of a live stream is sent to a viewer with one write, whatever its size.
func TestHTTPFLVWritesMessagesWhole(t *testing.T) {
	s := new(server.Server)
	var writes atomic.Int64
	w := httptest.NewUnstartedServer(s.FLVHandler())
	w.Listener = counting{w.Listener, &writes}
	w.Start()
	defer w.Close()
	defer s.Close()
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	send := func(at uint32, size int) {
		require.NoError(t, pub.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: at, Body: append([]byte{0x17, 1, 0, 0, 0}, make([]byte, size)...)}))
	}
	send(0, 100)
	require.NoError(t, pub.WritePacket(&message.Packet{Type: message.TypeAudio, Timestamp: 20, Body: []byte{0xaf, 1, 0}})) // the file header is sent after this message
	r, err := http.NewRequestWithContext(background(t), http.MethodGet, w.URL+"/live/x.flv", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	file := flv.NewReader(res.Body)
	var tag flv.Tag
	for tag.Type != flv.TagAudio {
		require.NoError(t, file.Next(&tag))
	}
	for i, size := range []int{1000, 3000, 5000, 50_000} {
		before := writes.Load()
		at := uint32(40 + 40*i)
		send(at, size)
		for tag.Timestamp < at {
			require.NoError(t, file.Next(&tag))
		}
		assert.Equal(t, int64(1), writes.Load()-before, "%d bytes", size)
	}
}

func TestHTTPFLVFile(t *testing.T) {
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: vodFolder(t)}}}
	url := web(t, s)
	status, body := get(t, url+"/vod/film.flv")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, media(sample(t)), media(tags(t, body)))
	status, body = get(t, url+"/vod/film.flv?start=5")
	assert.Equal(t, http.StatusOK, status)
	assert.EqualValues(t, 4000, media(tags(t, body))[0].Timestamp)
}

func TestHTTPRefusals(t *testing.T) {
	plays := func(err error) *server.App {
		return &server.App{Live: server.Live{Await: -1}, Play: func(context.Context, *server.Request) error { return err }}
	}
	s := &server.Server{Apps: map[string]*server.App{"deny": plays(server.Deny("members only")), "away": plays(server.Redirect("http://elsewhere/x.flv")),
		"none": plays(nil), "token": {Token: "x"}, "swf": {Player: &server.SWF{}}, "hand": {Handler: &byHand{}},
		"boom": {Play: func(context.Context, *server.Request) error { panic("boom") }}, "wait": {Live: server.Live{Await: 50 * time.Millisecond}}}}
	s.Logger = new(logs).logger()
	url := web(t, s)
	for path, want := range map[string]int{"/deny/x.flv": 403, "/away/x.flv": 302, "/none/x.flv": 404, "/token/x.flv": 403, "/swf/x.flv": 403, "/hand/x.flv": 404,
		"/boom/x.flv": 403, "/wait/x.flv": 404, "/unknown/x.flv": 404, "/none/x.mp4": 404, "/none/..%2fx.flv": 404, "/.flv": 404} {
		status, body := get(t, url+path)
		assert.Equal(t, want, status, "%s: %s", path, body)
	}
	_, body := get(t, url+"/deny/x.flv")
	assert.Equal(t, "members only\n", string(body))
	res, err := http.Post(url+"/none/x.flv", "text/plain", strings.NewReader("x"))
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
	http.DefaultClient.CloseIdleConnections()
}

func TestHTTPViewersCount(t *testing.T) {
	s := &server.Server{MaxConns: 1}
	url := web(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	pub.Write(testserver.Sample)
	ctx, cancel := context.WithCancel(background(t))
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/live/x.flv", nil)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, 1, s.Stats().Conns)
	assert.Equal(t, 1, s.Stats().Players)
	status, _ := get(t, url+"/live/x.flv")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	cancel()
	eventually(t, "the viewer has gone", func() bool { return s.Stats().Conns == 0 })
}

// TestUnavailableOverHTTP checks that the response names the reason if an HTTP client exceeds MaxConnsPerIP, and that no tunnel is opened
// for the client.
func TestUnavailableOverHTTP(t *testing.T) {
	s := &server.Server{MaxConnsPerIP: 1}
	mux := http.NewServeMux()
	mux.Handle("POST /open/", s.TunnelHandler())
	mux.Handle("GET /", s.FLVHandler())
	w := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		w.Close()
	})
	open := func() (status int, body string) {
		res, err := http.Post(w.URL+"/open/1", "application/x-fcs", strings.NewReader("\x00"))
		require.NoError(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(b)
	}
	defer http.DefaultClient.CloseIdleConnections()
	refused := func(text string) {
		status, body := open()
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Equal(t, text, body)
		status, b := get(t, w.URL+"/live/x.flv")
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Equal(t, text, string(b))
	}
	status, _ := open()
	require.Equal(t, http.StatusOK, status)
	refused("too many connections from one address\n")
	assert.EqualValues(t, 2, s.Stats().Refused)

	ctx, cancel := context.WithCancel(background(t))
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(ctx) }()
	eventually(t, "nobody else is let in", func() bool { _, body := open(); return strings.Contains(body, "shutting") })
	refused("the server is shutting down\n")
	cancel()
	assert.ErrorIs(t, waitFor(t, "the end of Shutdown", over), context.Canceled)
}

func TestWebSocketFLV(t *testing.T) {
	transports := make(chan string, 1)
	s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}, Play: func(_ context.Context, r *server.Request) error {
		transports <- r.Transport
		return nil
	}}}}
	url := web(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	pub.Write(testserver.Sample)
	ctx := background(t)
	conn, _, err := websocket.Dial(ctx, url+"/live/x.flv", nil)
	require.NoError(t, err)
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	assert.Equal(t, "ws-flv", waitFor(t, "the transport", transports))
	var file []byte
	for i := 0; ; i++ {
		kind, b, err := conn.Read(ctx)
		if err != nil {
			assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
			break
		}
		assert.Equal(t, websocket.MessageBinary, kind)
		if i == 0 {
			assert.True(t, bytes.HasPrefix(b, []byte("FLV")))
			require.NoError(t, pub.Close())
			file = b
			continue
		}
		var one flv.Tag // each WebSocket frame contains whole tags
		_, ok, err := new(flv.Parser).Parse(b, &one)
		require.NoError(t, err)
		require.True(t, ok)
		file = append(file, b...)
	}
	assert.NotEmpty(t, media(tags(t, file)))
}

func TestStatsHandler(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	_, viewer := play(t, "rtmp://"+addr+"/live/x")
	_, out := publish(t, "rtmp://"+addr+"/live/x")
	all := sample(t)
	write(t, out, all)
	receive(t, viewer, len(media(all)))
	w := httptest.NewRecorder()
	s.StatsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/stats", nil))
	var st server.Stats
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &st))
	assert.Equal(t, 2, st.Conns)
	assert.Equal(t, 1, st.Publishers)
	assert.Equal(t, 1, st.Players)
	require.Len(t, st.Streams, 1)
	assert.Equal(t, "live/x", st.Streams[0].Path)
	assert.Equal(t, "127.0.0.1", st.Streams[0].Publisher)
	assert.Equal(t, "H.264", st.Streams[0].Info.VideoCodec)
	assert.Positive(t, st.BytesOut)
}
