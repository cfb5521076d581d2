package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// pairs counts the hooks that are called in pairs: those that have allowed an action, minus those that report its end.
type pairs struct{ connects, publishes, plays atomic.Int64 }

// app returns an application whose hooks take up to 20 ms.
func (p *pairs) app(dir string) *server.App {
	allow := func(ctx context.Context, n *atomic.Int64) error {
		select {
		case <-time.After(time.Duration(rand.IntN(20_000)) * time.Microsecond):
		case <-ctx.Done():
			if rand.IntN(2) == 0 {
				return ctx.Err()
			}
		}
		n.Add(1)
		return nil
	}
	return &server.App{
		Connect:    func(ctx context.Context, _ *server.Conn) error { return allow(ctx, &p.connects) },
		Disconnect: func(*server.Conn, error) { p.connects.Add(-1) },
		Publish:    func(ctx context.Context, _ *server.Request) error { return allow(ctx, &p.publishes) },
		Unpublish:  func(*server.Request, server.StreamStats) { p.publishes.Add(-1) },
		Play:       func(ctx context.Context, _ *server.Request) error { return allow(ctx, &p.plays) },
		Stop:       func(*server.Request, server.StreamStats) { p.plays.Add(-1) },
		Files:      &server.Files{Dir: dir, Record: server.RecordAll},
		Live:       server.Live{Takeover: server.TakeAlways},
	}
}

// party is a server with clients of all kinds.
type party struct {
	t                        *testing.T
	ctx                      context.Context
	rtmp, rtmps, web, secure string
	http                     *http.Client
	came                     atomic.Int64 // clients that the server has accepted
}

// guests are the kinds of clients. Each stays connected until the server ends, or ctx is done.
var guests = []func(p *party){
	func(p *party) { p.silent(rand.IntN(3500)) },
	func(p *party) { p.publish("rtmp://" + p.rtmp) },
	func(p *party) { p.publish("rtmps://" + p.rtmps) },
	func(p *party) { p.publish("rtmpt://" + p.web) },
	func(p *party) { p.play("rtmp://"+p.rtmp, "live/x") },
	func(p *party) { p.play("rtmp://"+p.rtmp, "film") },
	func(p *party) { p.play("rtmpt://"+p.web, "live/x") },
	func(p *party) { p.view("http://" + p.web + "/live/x.flv") },
	func(p *party) { p.view("http://" + p.web + "/live/film.flv") },
	func(p *party) { p.view(p.secure + "/live/x.flv") }, // HTTP/2
	func(p *party) { p.socket() },
}

// silent sends n bytes of a handshake and no more.
func (p *party) silent(n int) {
	nc, err := net.Dial("tcp", p.rtmp)
	if err != nil {
		return
	}
	defer nc.Close()
	nc.Write(append([]byte{3}, make([]byte, n)...))
	nc.SetReadDeadline(time.Now().Add(3 * patience))
	_, err = io.Copy(io.Discard, nc)
	assert.NotErrorIs(p.t, err, os.ErrDeadlineExceeded)
}

func (p *party) dial(url string, publish bool) *rtmp.Conn {
	c, err := rtmp.Dial(p.ctx, url+"/live", &rtmp.Options{Publish: publish, TLSConfig: testserver.ClientTLS(), Timeout: patience,
		Pipelining: rtmp.Pipelining(rand.IntN(3)), Playpath: "x"})
	if err != nil {
		return nil
	}
	p.came.Add(1)
	return c
}

func (p *party) publish(url string) {
	c := p.dial(url, true)
	if c == nil {
		return
	}
	defer c.Close()
	s, err := c.CreateStream(p.ctx, &rtmp.StreamOptions{Writable: true, Name: "x"})
	for n := uint32(0); err == nil; n++ {
		err = s.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: n, Body: append([]byte{0x17, 1, 0, 0, 0}, make([]byte, 5000)...)})
		time.Sleep(time.Millisecond)
	}
}

func (p *party) play(url, name string) {
	c := p.dial(url, false)
	if c == nil {
		return
	}
	defer c.Close()
	if s, err := c.CreateStream(p.ctx, &rtmp.StreamOptions{Name: name}); err == nil {
		io.Copy(io.Discard, s)
	}
}

func (p *party) view(url string) {
	r, err := http.NewRequestWithContext(p.ctx, http.MethodGet, url, nil)
	require.NoError(p.t, err)
	if response, err := p.http.Do(r); err == nil {
		p.came.Add(1)
		if rand.IntN(2) == 0 {
			io.Copy(io.Discard, response.Body)
		} else {
			time.Sleep(20 * time.Millisecond)
		}
		response.Body.Close()
	}
}

func (p *party) socket() {
	socket, _, err := websocket.Dial(p.ctx, "ws://"+p.web+"/live/x.flv", nil)
	if err != nil {
		return
	}
	p.came.Add(1)
	socket.SetReadLimit(1 << 20)
	for err == nil {
		_, _, err = socket.Read(p.ctx)
	}
	socket.CloseNow()
}

// ends are ways to end a server.
var ends = []func(s *server.Server){
	func(s *server.Server) { s.Close() },
	func(s *server.Server) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(30))*time.Millisecond)
		defer cancel()
		s.Shutdown(ctx)
	},
	func(s *server.Server) {
		var both sync.WaitGroup
		both.Go(func() { s.Shutdown(context.Background()) })
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		s.Close()
		both.Wait()
	},
}

// TestEndInEveryPhase ends servers that have clients of all kinds in all phases. Close and Shutdown must end in time, all clients must be
// disconnected, and hooks must be called in pairs.
func TestEndInEveryPhase(t *testing.T) {
	rounds := 6
	if os.Getenv("RTMP_LONG") != "" {
		rounds = 60
	}
	for range rounds {
		endInSomePhase(t)
		if t.Failed() {
			return
		}
	}
}

func endInSomePhase(t *testing.T) {
	dir, hooks := t.TempDir(), new(pairs)
	require.NoError(t, os.Mkdir(dir+"/live", 0o700))
	sampleFile(t, dir, "live/film.flv")
	s := &server.Server{TLSConfig: testserver.ServerTLS(), Apps: map[string]*server.App{"*": hooks.app(dir)}, Logger: slog.New(slog.DiscardHandler)}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		return l
	}
	plain, encrypted := listen(), listen()
	var serving, partying sync.WaitGroup
	serving.Go(func() { assert.ErrorIs(t, s.Serve(plain), server.ErrServerClosed) })
	serving.Go(func() { assert.ErrorIs(t, s.ServeTLS(encrypted, "", ""), server.ErrServerClosed) })
	tunnel, flv := s.TunnelHandler(), s.FLVHandler()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".flv") {
			flv.ServeHTTP(w, r)
			return
		}
		tunnel.ServeHTTP(w, r)
	})
	web, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2, secure.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	secure.StartTLS()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	p := &party{t: t, ctx: ctx, rtmp: plain.Addr().String(), rtmps: encrypted.Addr().String(), web: web.Listener.Addr().String(), secure: secure.URL,
		http: secure.Client()}
	p.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	for range 3 {
		for _, guest := range guests {
			partying.Go(func() {
				time.Sleep(time.Duration(rand.IntN(30_000)) * time.Microsecond)
				guest(p)
			})
		}
	}
	enough := rand.Int64N(25) // by RTMP come 18, and by HTTP at least 6
	eventually(t, "clients come", func() bool { return p.came.Load() >= enough })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ends[rand.IntN(len(ends))](s)
	}()
	waitFor(t, "the end of the server", ended)
	serving.Wait()
	partying.Wait()
	assert.NoError(t, ctx.Err(), "some client has not noticed")
	web.Close()
	secure.Close()
	eventually(t, "hooks come in pairs, and no slot is in use", func() bool { // Close does not wait for hooks
		return s.Stats().Conns == 0 && hooks.connects.Load() == 0 && hooks.publishes.Load() == 0 && hooks.plays.Load() == 0
	})
	t.Logf("%d clients", p.came.Load())
}
