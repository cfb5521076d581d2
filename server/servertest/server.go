// Package servertest provides an RTMP server for tests, as net/http/httptest does for HTTP. It listens on the loopback interface, records
// what clients publish and call, and simulates failures on request.
//
//	srv := servertest.New(t, nil)
//	if err := upload(srv.URL("live/key")); err != nil { // the code under test
//		t.Fatal(err)
//	}
//	if tags := srv.Published("live/key"); len(tags) != 250 {
//		t.Fatalf("%d tags arrived", len(tags))
//	}
package servertest

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/selfsigned"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// Server is a running server. Its methods may be called from any goroutine.
type Server struct {
	srv     *server.Server
	plain   net.Listener
	secure  net.Listener
	faults  faults
	serving sync.WaitGroup

	mu        sync.Mutex // guards the rest
	changed   chan struct{}
	published map[string][]flv.Tag
	calls     []message.Command
	refuse    error
}

// NewServer starts a Server on 127.0.0.1, on two free ports for RTMP and RTMPS. app serves all applications, including its hooks; nil means
// the zero App, which relays live streams. NewServer panics if it can't listen.
func NewServer(app *server.App) *Server {
	if app == nil {
		app = new(server.App)
	}
	s := &Server{changed: make(chan struct{}), published: make(map[string][]flv.Tag)}
	s.srv = &server.Server{Apps: map[string]*server.App{"*": s.watched(*app)}, TLSConfig: selfsigned.Server(),
		Logger: slog.New(slog.DiscardHandler)}
	s.plain, s.secure = s.listen(), s.listen()
	s.serving.Go(func() { s.srv.Serve(s.plain) })
	s.serving.Go(func() { s.srv.ServeTLS(s.secure, "", "") })
	return s
}

// New is like NewServer, but also closes the Server at the end of the test.
func New(tb testing.TB, app *server.App) *Server {
	tb.Helper()
	s := NewServer(app)
	tb.Cleanup(s.Close)
	return s
}

func (s *Server) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("servertest: %v", err))
	}
	return &faultyListener{Listener: l, faults: &s.faults}
}

func (s *Server) watched(app server.App) *server.App {
	connect, media, packet := app.Connect, app.Media, app.Packet
	app.Connect = func(ctx context.Context, c *server.Conn) error {
		s.mu.Lock()
		refused := s.refuse
		s.refuse = nil
		s.mu.Unlock()
		if refused != nil {
			return refused
		}
		if connect != nil {
			return connect(ctx, c)
		}
		return nil
	}
	app.Media = func(r *server.Request, p *message.Packet) bool {
		if media != nil && !media(r, p) {
			return false
		}
		s.arrived(r.Path, p)
		return true
	}
	app.Packet = func(c *server.Conn, p *message.Packet) (bool, error) {
		s.called(c, p)
		if packet != nil {
			return packet(c, p)
		}
		return false, nil
	}
	return &app
}

// URL returns the URL of a stream. For "live/key" it is rtmp://127.0.0.1:PORT/live/key.
func (s *Server) URL(path string) string { return "rtmp://" + s.plain.Addr().String() + "/" + path }

// TLSURL returns the URL of a stream for RTMPS. ClientTLS trusts the certificate.
func (s *Server) TLSURL(path string) string {
	return "rtmps://" + s.secure.Addr().String() + "/" + path
}

// ClientTLS returns the configuration that a client needs for TLSURL.
func (s *Server) ClientTLS() *tls.Config { return selfsigned.Client() }

// Published returns what has been published to a path so far, in the form in which players receive it; see server.Tag. The path is
// server.Request.Path, which a Publish hook may have changed.
func (s *Server) Published(path string) []flv.Tag {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]flv.Tag(nil), s.published[path]...)
}

// Await waits until Published returns at least that many tags for path. It fails only when ctx is done, with ctx's error.
func (s *Server) Await(ctx context.Context, path string, tags int) error {
	for {
		s.mu.Lock()
		n, changed := len(s.published[path]), s.changed
		s.mu.Unlock()
		if n >= tags {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("servertest: %d of %d tags were published: %w", n, tags, ctx.Err())
		}
	}
}

// Calls returns the commands with a name that clients have sent so far. The name may be "connect", "publish", or that of a remote method.
func (s *Server) Calls(method string) []message.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []message.Command
	for _, cmd := range s.calls {
		if cmd.Name == method {
			calls = append(calls, cmd)
		}
	}
	return calls
}

// CutAfter makes the Server reset the next connection after it has sent the given number of bytes to the client, including the handshake.
func (s *Server) CutAfter(bytes int64) { s.faults.add(fault{cut: true, after: bytes}) }

// Stall makes the Server stop reading and writing on the next connection when the client has sent play or publish.
func (s *Server) Stall() { s.faults.add(fault{stall: true}) }

// Refuse makes the Server refuse the next connect as if App.Connect had returned err, for example a *server.Refusal.
func (s *Server) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// Server returns the underlying server.Server.
func (s *Server) Server() *server.Server { return s.srv }

// Close disconnects all clients and closes the server, as server.Server.Close does.
func (s *Server) Close() {
	s.faults.end()
	s.srv.Close()
	s.serving.Wait()
}
