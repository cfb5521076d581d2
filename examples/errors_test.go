package examples_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

type situation struct {
	name string
	run  func(t *testing.T) error
	is   func(err error) bool
}

func as[T error](match func(T) bool) func(error) bool {
	return func(err error) bool {
		var e T
		return errors.As(err, &e) && match(e)
	}
}

func stage(names ...string) func(error) bool {
	return as(func(e *rtmp.HandshakeError) bool { return strings.Contains(strings.Join(names, " "), e.Stage) })
}

func code(want string) func(error) bool {
	return as(func(e *rtmp.StatusError) bool { return e.Code == want })
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func always[T error](T) bool { return true }

func play(t *testing.T, url string, o *rtmp.Options) error {
	return open(t, url, o, nil, func(_ *rtmp.Conn, s *rtmp.Stream) error {
		_, err := io.Copy(io.Discard, s)
		return err
	})
}

func open(t *testing.T, url string, o *rtmp.Options, so *rtmp.StreamOptions, use func(*rtmp.Conn, *rtmp.Stream) error) error {
	conn, err := rtmp.Dial(t.Context(), url, o)
	if err != nil {
		return err
	}
	t.Cleanup(func() { conn.Close() })
	s, err := conn.CreateStream(t.Context(), so)
	if err != nil {
		return err
	}
	return use(conn, s)
}

// idle is a handler that waits for the end of a connection.
func idle(t *testing.T, url string, o *rtmp.Options) error {
	conn, err := rtmp.Dial(t.Context(), url, o)
	if err != nil {
		return err
	}
	t.Cleanup(func() { conn.Close() })
	return conn.ProcessPackets(t.Context())
}

func publish(t *testing.T, url string) error {
	return open(t, url, &rtmp.Options{Publish: true}, &rtmp.StreamOptions{Writable: true}, func(*rtmp.Conn, *rtmp.Stream) error { return nil })
}

// live starts a server that publishes live/tv until the test ends.
func live(t *testing.T) *servertest.Server {
	srv := servertest.New(t, &server.App{Live: server.Live{Await: -1}})
	p, err := srv.Server().Publish(t.Context(), "live/tv")
	require.NoError(t, err)
	for n := range uint32(2) {
		require.NoError(t, p.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: 40 * n, Body: []byte{0x12, 0}}))
	}
	return srv
}

func listen(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	return l.Addr().String()
}

func TestErrorsAreAsDocumented(t *testing.T) {
	soon := &rtmp.Options{Timeout: 500 * time.Millisecond}
	for _, s := range []situation{
		{"invalid URL", func(t *testing.T) error { return play(t, "http://example.com", nil) }, as(always[*rtmpurl.Error])},
		{"invalid option", func(t *testing.T) error { return play(t, "rtmp://127.0.0.1/app swfAge=soon", nil) }, as(always[*rtmp.OptionError])},
		{"port closed", func(t *testing.T) error { return play(t, "rtmp://127.0.0.1:"+conntest.UnusedPort(t)+"/a/b", nil) }, stage(rtmp.StageDial)},
		{"proxy", func(t *testing.T) error {
			return play(t, "rtmp://127.0.0.1/a/b", &rtmp.Options{Proxy: "socks5://127.0.0.1:" + conntest.UnusedPort(t)})
		}, stage(rtmp.StageProxy)},
		{"certificate", func(t *testing.T) error { return play(t, live(t).TLSURL("live/tv"), nil) }, func(err error) bool {
			var unknown *tls.CertificateVerificationError
			return stage(rtmp.StageTLS)(err) && errors.As(err, &unknown)
		}},
		{"HTTP server", func(t *testing.T) error {
			web := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(web.Close)
			return play(t, "rtmp://"+web.Listener.Addr().String()+"/a/b", nil)
		}, stage(rtmp.StageRTMP)},
		{"rtmp to a TLS port", func(t *testing.T) error {
			return play(t, strings.Replace(live(t).TLSURL("live/tv"), "rtmps", "rtmp", 1), nil)
		}, stage(rtmp.StageRTMP)},
		{"TLS to an RTMP port", func(t *testing.T) error {
			return play(t, strings.Replace(live(t).URL("live/tv"), "rtmp", "rtmps", 1), soon)
		}, stage(rtmp.StageTLS)},
		{"hang-up at connect", func(t *testing.T) error {
			srv := servertest.New(t, &server.App{Packet: func(c *server.Conn, p *message.Packet) (bool, error) {
				return true, errors.New("go away")
			}})
			return play(t, srv.URL("a/b"), nil)
		}, stage(rtmp.StageConnect)},
		{"no answer", func(t *testing.T) error {
			return play(t, "rtmp://"+listen(t, func(nc net.Conn) { io.Copy(io.Discard, nc) })+"/a/b", soon)
		}, as(func(e *rtmp.HandshakeError) bool { return e.Timeout() })},
		{"connect refused", func(t *testing.T) error {
			srv := live(t)
			srv.Refuse(&server.Refusal{Description: "closed"})
			return play(t, srv.URL("live/tv"), nil)
		}, as(func(e *rtmp.StatusError) bool { return e.Description == "closed" })},
		{"no such stream", func(t *testing.T) error { return play(t, live(t).URL("live/radio"), nil) }, code(message.CodePlayStreamNotFound)},
		{"wrong key", func(t *testing.T) error {
			srv := servertest.New(t, &server.App{Publish: func(context.Context, *server.Request) error { return server.Deny("no") }})
			return publish(t, srv.URL("live/key"))
		}, code(message.CodePublishDenied)},
		{"name in use", func(t *testing.T) error { return publish(t, live(t).URL("live/tv")) }, code(message.CodePublishBadName)},
		{"end of the stream", func(t *testing.T) error {
			srv := servertest.New(t, &server.App{Handler: ended{}})
			return open(t, srv.URL("a/b"), nil, nil, func(_ *rtmp.Conn, s *rtmp.Stream) (err error) {
				for p := (rtmp.Packet{}); err == nil; {
					err = s.ReadPacket(&p)
				}
				return err
			})
		}, func(err error) bool { return err == io.EOF }},
		{"lost connection", func(t *testing.T) error {
			srv := live(t)
			return open(t, srv.URL("live/tv"), nil, nil, func(_ *rtmp.Conn, s *rtmp.Stream) error {
				srv.Server().Close()
				for {
					if err := s.ReadPacket(new(rtmp.Packet)); err != nil {
						return err
					}
				}
			})
		}, is(io.ErrUnexpectedEOF)},
		{"silence", func(t *testing.T) error { return play(t, live(t).URL("live/tv"), soon) }, is(os.ErrDeadlineExceeded)},
		{"cancelled", func(t *testing.T) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := rtmp.Dial(ctx, live(t).URL("live/tv"), nil)
			return err
		}, is(context.Canceled)},
		{"closed", func(t *testing.T) error {
			return open(t, live(t).URL("live/tv"), nil, nil, func(c *rtmp.Conn, s *rtmp.Stream) error {
				c.Close()
				return s.ReadPacket(new(rtmp.Packet))
			})
		}, is(net.ErrClosed)},
		{"limit", func(t *testing.T) error {
			srv := servertest.New(t, &server.App{Connected: func(c *server.Conn) { c.Notify("big", strings.Repeat("x", 10_000)) }})
			return idle(t, srv.URL("live"), &rtmp.Options{MaxMessageSize: 5000})
		}, as(always[*rtmp.ProtocolError])},
		{"panic", func(t *testing.T) error {
			srv := servertest.New(t, &server.App{Connected: func(c *server.Conn) { c.Notify("bang") }})
			return idle(t, srv.URL("live"), &rtmp.Options{Handlers: map[string]rtmp.HandlerFunc{
				"bang": func(context.Context, []any) (any, error) { panic("bang") }}})
		}, as(always[*rtmp.PanicError])},
		{"not writable", func(t *testing.T) error {
			return open(t, live(t).URL("live/tv"), nil, nil, func(_ *rtmp.Conn, s *rtmp.Stream) error {
				return s.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Body: []byte{0x12, 0}})
			})
		}, is(rtmp.ErrNotWritable)},
	} {
		t.Run(s.name, func(t *testing.T) {
			err := s.run(t)
			require.Error(t, err)
			assert.True(t, s.is(err), "%v", err)
		})
	}
}

type ended struct{}

func (ended) ServePlay(ctx context.Context, s *server.Stream) error {
	return s.WritePacket(&message.Packet{Type: message.TypeVideo, Body: []byte{0x12, 0}})
}

func (ended) ServePublish(ctx context.Context, s *server.Stream) error { return nil }
