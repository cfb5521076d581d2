package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// servePipes serves w on connections of net.Pipe until the end of the test, which may run in a synctest bubble.
func servePipes(t *testing.T, w *http.Server) *conntest.Pipes {
	t.Helper()
	l, served := conntest.NewPipes("server.test"), make(chan error, 1)
	go func() { served <- w.Serve(l) }()
	t.Cleanup(func() {
		w.Close()
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return l
}

// TestViewerThatDoesNotReadTheEnd checks that the connection of a viewer is closed if the viewer does not read the end of the response, or
// a refusal.
func TestViewerThatDoesNotReadTheEnd(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "film.flv"), testserver.Sample, 0o600))
	for path, body := range map[string]int{"/film.tags": len(testserver.Sample) - flv.FileHeaderSize, "/nothing.tags": 0} {
		synctest.Test(t, func(t *testing.T) {
			s := &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir}, Live: server.Live{Await: -1}}}}
			defer s.Close()
			l := servePipes(t, &http.Server{Handler: s.ViewHandler(".tags", "own", viewTags)})
			client, err := l.DialContext(t.Context(), "", "")
			require.NoError(t, err)
			_, err = io.WriteString(client, "GET "+path+" HTTP/1.1\r\nHost: server.test\r\n\r\n")
			require.NoError(t, err)
			if body > 0 {
				response, err := http.ReadResponse(bufio.NewReader(client), nil)
				require.NoError(t, err)
				_, err = io.ReadFull(response.Body, make([]byte, body))
				require.NoError(t, err)
			}
			time.Sleep(time.Minute)
			client.SetReadDeadline(time.Now().Add(time.Second))
			n, err := io.Copy(io.Discard, client)
			assert.NoError(t, err, "%s: the server has not hung up", path)
			assert.Zero(t, n, path)
		})
	}
}

// TestEndOfALiveStreamWithoutHalfClose checks that the response of a live stream ends together with the stream, even if the connection has
// no CloseWrite.
func TestEndOfALiveStreamWithoutHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}
		defer s.Close()
		client, err := servePipes(t, &http.Server{Handler: s.FLVHandler()}).DialContext(t.Context(), "", "")
		require.NoError(t, err)
		pub, err := s.Publish(t.Context(), "live/x")
		require.NoError(t, err)
		_, err = pub.Write(testserver.Sample)
		require.NoError(t, err)
		_, err = io.WriteString(client, "GET /live/x.flv HTTP/1.1\r\nHost: server.test\r\n\r\n")
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		require.NoError(t, pub.Close())
		began := time.Now()
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
	})
}

// TestViewerOfASilentStreamOverHTTP2 checks that a viewer over HTTP/2 is not disconnected when its stream is silent for
// longer than WriteTimeout.
func TestViewerOfASilentStreamOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = time.Second
		s := &server.Server{WriteTimeout: limit, Apps: map[string]*server.App{"*": {Live: server.Live{PublishIdle: -1}}}}
		defer s.Close()
		http2 := new(http.Protocols)
		http2.SetUnencryptedHTTP2(true)
		l := servePipes(t, &http.Server{Handler: s.FLVHandler(), Protocols: http2})
		transport := &http.Transport{Protocols: http2, DialContext: l.DialContext}
		defer transport.CloseIdleConnections()
		pub, err := s.Publish(t.Context(), "live/x")
		require.NoError(t, err)
		send := func(kind message.Type, at uint32, body ...byte) {
			t.Helper()
			require.NoError(t, pub.WritePacket(&message.Packet{Type: kind, Timestamp: at, Body: body}))
		}
		send(message.TypeVideo, 0, 0x17, 1, 0, 0, 0, 0)
		send(message.TypeAudio, 20, 0xaf, 1, 0) // the file header is sent after this message
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server.test/live/x.flv", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(request)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, 2, response.ProtoMajor)
		file := flv.NewReader(response.Body)
		var tag flv.Tag
		for at := uint32(40); at < 100; at += 20 {
			time.Sleep(3 * limit) // the silence
			send(message.TypeAudio, at, 0xaf, 1, 0)
			for tag.Timestamp < at {
				require.NoError(t, file.Next(&tag))
			}
		}
	})
}

// oldTransport is an http.RoundTripper that speaks HTTP/1.0, as nginx does to its upstream servers.
type oldTransport struct{}

func (oldTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	nc, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(nc, "GET %s HTTP/1.0\r\n\r\n", r.URL.Path); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(nc), r)
	if err == nil {
		response.Body = closer{response.Body, nc}
	}
	return response, err
}

// closer reads the body of a response, and closes its connection.
type closer struct {
	io.Reader
	io.Closer
}

// readFile reads a file to its end over HTTP or a WebSocket, and calls begun when the response has begun. whole reports whether the
// response has ended properly.
func readFile(t *testing.T, client *http.Client, url, transport string, begun func()) (whole bool) {
	t.Helper()
	if transport == "WebSocket" {
		conn, _, err := websocket.Dial(background(t), url, nil)
		require.NoError(t, err)
		defer conn.CloseNow()
		conn.SetReadLimit(-1)
		_, _, err = conn.Read(background(t))
		require.NoError(t, err)
		for begun(); err == nil; {
			_, _, err = conn.Read(background(t))
		}
		return websocket.CloseStatus(err) == websocket.StatusNormalClosure
	}
	if transport == "HTTP/1.0" {
		client = &http.Client{Transport: oldTransport{}}
	}
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, transport, response.Proto)
	_, err = io.ReadFull(response.Body, make([]byte, 100))
	require.NoError(t, err)
	begun()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil
}

// TestViewerOfAPartOfAFile checks that a response does not seem to be complete if it contains only a part of a file, because the server was
// closed. The response with the whole file must seem complete.
func TestViewerOfAPartOfAFile(t *testing.T) {
	dir := t.TempDir()
	film := flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true})
	for at := range uint32(60) {
		film = flv.AppendTag(film, flv.Tag{Type: flv.TagVideo, Timestamp: 1000 * at, Body: append([]byte{0x17, 1, 0, 0, 0}, make([]byte, 20_000)...)})
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "film.flv"), film, 0o600))
	for _, test := range []struct{ transport, path string }{
		{"HTTP/1.1", "/film.flv"}, {"HTTP/2.0", "/film.flv"}, {"HTTP/1.1", "/film.tags"}, {"HTTP/2.0", "/film.tags"}, {"WebSocket", "/film.flv"},
		{"HTTP/1.0", "/film.flv"}, {"HTTP/1.0", "/film.tags"},
	} {
		for _, whole := range []bool{true, false} {
			t.Run(fmt.Sprint(test.transport, test.path, ", whole: ", whole), func(t *testing.T) {
				s := &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir, AsFast: whole}}}}
				mux := http.NewServeMux()
				mux.Handle("/", s.FLVHandler())
				mux.Handle("/film.tags", s.ViewHandler(".tags", "own", viewTags))
				w := httptest.NewUnstartedServer(mux)
				if w.EnableHTTP2 = test.transport == "HTTP/2.0"; w.EnableHTTP2 {
					w.StartTLS()
				} else {
					w.Start()
				}
				defer w.Close()
				defer s.Close()
				assert.Equal(t, whole, readFile(t, w.Client(), w.URL+test.path, test.transport, func() {
					if !whole {
						go s.Close()
					}
				}))
			})
		}
	}
}

// TestViewerOfALiveStreamOnly checks that a viewer gets no file if a Play hook asks for a live stream only.
func TestViewerOfALiveStreamOnly(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "film.flv"), testserver.Sample, 0o600))
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir}, Live: server.Live{Await: -1},
		Play: func(_ context.Context, r *server.Request) error {
			r.Start = server.StartLive
			return nil
		}}}}
	defer s.Close()
	w := httptest.NewRecorder()
	s.FLVHandler().ServeHTTP(w, httptest.NewRequestWithContext(background(t), http.MethodGet, "/film.flv", nil))
	assert.Equal(t, http.StatusNotFound, w.Code)
}

// withoutEnd returns tags without the last ones that end a sequence, which say that the stream is over.
func withoutEnd(tags []flv.Tag) []flv.Tag {
	for len(tags) > 0 {
		last := tags[len(tags)-1]
		if h, err := flv.ParseVideoHeader(last.Body); last.Type != flv.TagVideo || err != nil || h.PacketType != flv.VideoSequenceEnd {
			break
		}
		tags = tags[:len(tags)-1]
	}
	return tags
}

// TestViewerOfACutLiveStream checks that the response of a live stream seems complete only if the publisher has ended the stream, and not
// if the publisher or the server has gone.
func TestViewerOfACutLiveStream(t *testing.T) {
	for _, test := range []struct {
		name, transport, path string
		start                 func(*httptest.Server)
	}{
		{"HTTP", "HTTP/1.1", "/live/x.flv", (*httptest.Server).Start},
		{"HTTPS", "HTTP/1.1", "/live/x.flv", (*httptest.Server).StartTLS},
		{"HTTP/2", "HTTP/2.0", "/live/x.flv", func(w *httptest.Server) {
			w.EnableHTTP2 = true
			w.StartTLS()
		}},
		{"a middleware", "HTTP/1.1", "/live/x.flv", func(w *httptest.Server) {
			below := w.Config.Handler
			w.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { below.ServeHTTP(whole{rw}, r) })
			w.Start()
		}},
		{"a view", "HTTP/1.1", "/live/x.tags", (*httptest.Server).Start},
		{"WebSocket", "WebSocket", "/live/x.flv", (*httptest.Server).Start},
		{"HTTP/1.0", "HTTP/1.0", "/live/x.flv", (*httptest.Server).Start},
		{"a view, HTTP/1.0", "HTTP/1.0", "/live/x.tags", (*httptest.Server).Start},
	} {
		for _, end := range []struct {
			name  string
			whole bool
			by    func(c *rtmp.Conn, nc net.Conn, s *server.Server)
		}{
			{"the publisher ends it", true, func(c *rtmp.Conn, _ net.Conn, _ *server.Server) { c.Close() }},
			{"the publisher ends it by name", true, func(c *rtmp.Conn, _ net.Conn, _ *server.Server) {
				_, err := c.Call(t.Context(), "FCUnpublish", "x")
				assert.NoError(t, err)
			}},
			{"the publisher is lost", false, func(_ *rtmp.Conn, nc net.Conn, _ *server.Server) { nc.Close() }},
			{"the server is closed", false, func(_ *rtmp.Conn, _ net.Conn, s *server.Server) { s.Close() }},
			{"the server is shut down", false, func(_ *rtmp.Conn, _ net.Conn, s *server.Server) {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				s.Shutdown(ctx)
			}},
		} {
			t.Run(test.name+", "+end.name, func(t *testing.T) {
				s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}
				mux := http.NewServeMux()
				mux.Handle("/", s.FLVHandler())
				mux.Handle("/live/x.tags", s.ViewHandler(".tags", "own", viewTags))
				w := httptest.NewUnstartedServer(mux)
				test.start(w)
				defer w.Close()
				defer s.Close()
				var nc net.Conn
				c := dial(t, "rtmp://"+start(t, s)+"/live/x", &rtmp.Options{Publish: true,
					DialContext: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
						nc, err = new(net.Dialer).DialContext(ctx, network, address)
						return nc, err
					}})
				stream, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
				require.NoError(t, err)
				write(t, stream, withoutEnd(sample(t)))
				assert.Equal(t, end.whole, readFile(t, w.Client(), w.URL+test.path, test.transport, func() { end.by(c, nc, s) }))
			})
		}
	}
}

// TestCutOverHTTPS checks that a viewer over HTTPS whose response is cut off gets an error of the response, and not one of TLS that suggests an
// attack or a defect.
func TestCutOverHTTPS(t *testing.T) {
	s := new(server.Server)
	defer s.Close()
	w := httptest.NewTLSServer(s.ViewHandler(".tags", "own", viewTags))
	defer w.Close()
	pub, err := s.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	_, err = pub.Write(testserver.Sample)
	require.NoError(t, err)
	response, err := w.Client().Get(w.URL + "/live/x.tags")
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, s.Close())
	_, err = io.Copy(io.Discard, response.Body)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestSubscriberOfACutLiveStream checks that a Subscriber and an io.Copy from it do not end as at the end of the stream if the publisher was
// lost, and that another publisher can continue the stream within Linger.
func TestSubscriberOfACutLiveStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{}
		defer s.Close()
		l := conntest.NewPipes("server.test")
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		publish := func() (*rtmp.Conn, net.Conn) {
			var nc net.Conn
			c := dial(t, "rtmp://server.test/live/x", &rtmp.Options{Publish: true,
				DialContext: func(ctx context.Context, _, _ string) (_ net.Conn, err error) {
					nc, err = l.DialContext(ctx, "", "")
					return nc, err
				}})
			stream, err := c.CreateStream(t.Context(), &rtmp.StreamOptions{Writable: true})
			require.NoError(t, err)
			write(t, stream, sample(t)[:10])
			return c, nc
		}
		for _, whole := range []bool{true, false} {
			_, nc := publish()
			synctest.Wait()
			sub, err := s.Subscribe(t.Context(), "live/x", server.SubscribeOptions{})
			require.NoError(t, err)
			nc.Close()
			synctest.Wait()
			c, nc := publish()
			synctest.Wait()
			if whole {
				require.NoError(t, c.Close())
			} else {
				nc.Close()
			}
			_, err = io.Copy(io.Discard, sub)
			if whole {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			}
			sub.Close()
			c.Close()
		}
		s.Close()
		assert.ErrorIs(t, <-served, server.ErrServerClosed)
	})
}

// lastMessages are messages with which a publication may end.
var lastMessages = map[string]message.Packet{
	"the end of H.264": {Type: message.TypeVideo, Body: []byte{0x17, 2, 0, 0, 0}},
	"the end of HEVC":  {Type: message.TypeVideo, Body: []byte("\x92hvc1")},
	"the end of Opus":  {Type: message.TypeAudio, Body: []byte("\x92Opus")},
	"a picture":        {Type: message.TypeVideo, Body: []byte{0x17, 1, 0, 0, 0, 0}},
	"sound":            {Type: message.TypeAudio, Body: []byte{0xaf, 1, 0}},
	"metadata":         {Type: message.TypeDataAMF0, Body: []byte("\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x00\x09")},
}

// TestEndsOfAPublisher checks which commands and media end a stream properly, whatever the client does afterwards.
func TestEndsOfAPublisher(t *testing.T) {
	for _, end := range []struct {
		commands []string
		whole    bool
	}{
		{nil, false},
		{[]string{"FCUnpublish"}, true},
		{[]string{"FCUnpublish of another name"}, false},
		{[]string{"deleteStream"}, true},
		{[]string{"closeStream"}, true},
		{[]string{"FCUnpublish", "deleteStream"}, true},
		{[]string{"closeStream", "FCUnpublish"}, true},
		{[]string{"the end of H.264"}, true},
		{[]string{"the end of H.264", "metadata"}, true},
		{[]string{"the end of HEVC"}, true},
		{[]string{"the end of Opus"}, true},
		{[]string{"the end of H.264", "sound"}, false},
		{[]string{"a picture"}, false},
	} {
		t.Run(fmt.Sprint(end.commands), func(t *testing.T) {
			s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}
			p := newPeer(t, start(t, s))
			sub, err := s.Subscribe(background(t), "live/x", server.SubscribeOptions{})
			require.NoError(t, err)
			defer sub.Close()
			p.connect("live")
			id := p.CreateStream()
			p.command(id, "publish", 3, nil, "x", "live")
			p.UntilCode(message.CodePublishStart)
			p.media(message.TypeAudio, id, 0, []byte{0xaf, 1, 0})
			for _, name := range end.commands {
				if m, ok := lastMessages[name]; ok {
					p.media(m.Type, id, 0, m.Body)
					continue
				}
				switch name {
				case "FCUnpublish":
					p.command(0, name, 0, nil, "x")
				case "FCUnpublish of another name":
					p.command(0, "FCUnpublish", 0, nil, "y")
				case "deleteStream":
					p.command(0, name, 0, nil, float64(id))
				default:
					p.command(id, name, 0, nil)
				}
				p.alive() // the server has done it
			}
			p.Conn.Close()
			_, err = sub.Next(background(t))
			require.NoError(t, err)
			for err == nil {
				_, err = sub.Next(background(t))
			}
			if end.whole {
				assert.ErrorIs(t, err, io.EOF)
			} else {
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			}
		})
	}
}
