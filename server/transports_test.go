package server_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// everyTransport serves s over all six transports until the end of the test. It returns the address for each scheme.
func everyTransport(t *testing.T, s *server.Server) map[string]string {
	t.Helper()
	s.Encryption, s.TLSConfig = handshake.EncryptionPlain, testserver.ServerTLS()
	plain := start(t, s)
	l := conntest.Listen(t)
	served := make(chan error, 1)
	go func() { served <- s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { s.Close(); <-served })
	web := httptest.NewServer(s.TunnelHandler())
	t.Cleanup(web.Close)
	secure := httptest.NewUnstartedServer(s.TunnelHandler())
	secure.TLS = testserver.ServerTLS()
	secure.TLS.SessionTicketsDisabled = true // Debian's librtmp treats a session ticket as an error
	secure.StartTLS()
	t.Cleanup(secure.Close)
	tunnel := web.Listener.Addr().String()
	return map[string]string{"rtmp": plain, "rtmpe": plain, "rtmps": l.Addr().String(), "rtmpt": tunnel, "rtmpte": tunnel,
		"rtmpts": secure.Listener.Addr().String()}
}

// TestTransports uses all six transports of one Server at once.
func TestTransports(t *testing.T) {
	got := make(chan string, 10)
	s := &server.Server{Apps: map[string]*server.App{"*": {
		Play: func(ctx context.Context, r *server.Request) error {
			got <- r.Transport
			return nil
		}}}}
	addresses := everyTransport(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	all := media(sample(t))
	_, err = pub.Write(testserver.Sample)
	require.NoError(t, err)
	for scheme, addr := range addresses {
		t.Run(scheme, func(t *testing.T) {
			c := dial(t, scheme+"://"+addr+"/live/x", &rtmp.Options{Live: true, TLSConfig: testserver.ClientTLS()})
			stream, err := c.CreateStream(background(t), nil)
			require.NoError(t, err)
			assert.Equal(t, scheme, waitFor(t, "the transport", got))
			first := receive(t, stream, 3)
			assert.Equal(t, all[0].Body, first[0].Body)
			if len(scheme) > 4 && scheme[4] == 't' {
				assert.Positive(t, s.Stats().Tunnels)
			}
		})
	}
	require.NoError(t, pub.Close())
}

// TestEncryptionIsRefused checks that RTMPE is refused if Encryption does not allow it, and inside TLS.
func TestEncryptionIsRefused(t *testing.T) {
	_, err := rtmp.Dial(background(t), "rtmpe://"+app(t, &server.App{})+"/x", nil)
	assert.Error(t, err)
}

// TestLowerEncryption checks that a client gets the type of RTMPE that it asks for, unless the type is stronger than Server.Encryption.
func TestLowerEncryption(t *testing.T) {
	for asked, want := range map[handshake.Encryption]handshake.Encryption{handshake.EncryptionPlain: handshake.EncryptionPlain,
		handshake.EncryptionXTEA: handshake.EncryptionXTEA, handshake.EncryptionBlowfish: handshake.EncryptionXTEA} {
		nc, err := net.Dial("tcp", start(t, &server.Server{Encryption: handshake.EncryptionXTEA}))
		require.NoError(t, err)
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		result, err := handshake.Client(nc, handshake.Config{Encryption: asked})
		require.NoError(t, err)
		assert.Equal(t, want, result.Encryption)
	}
}

func TestServeConn(t *testing.T) {
	s := &server.Server{}
	a, b := net.Pipe()
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- s.ServeConn(ctx, b) }()
	p := peerOn(t, a)
	p.connect("x")
	p.alive()
	cancel()
	assert.ErrorIs(t, waitFor(t, "the end", done), context.Canceled)
	s.Close()
	assert.ErrorIs(t, s.ServeConn(context.Background(), b), server.ErrServerClosed)
}

func TestTunnelBehindAProxy(t *testing.T) {
	remotes := make(chan string, 1)
	s := &server.Server{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")},
		Apps: map[string]*server.App{"*": {Connect: func(ctx context.Context, c *server.Conn) error {
			remotes <- c.RemoteAddr().String()
			return nil
		}}}}
	t.Cleanup(func() { s.Close() })
	tunnel := s.TunnelHandler()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Forwarded-For", "6.6.6.6, 192.0.2.1, 10.1.1.1") // the first address is only the client's claim
		tunnel.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	dial(t, "rtmpt://"+web.Listener.Addr().String()+"/x", nil)
	assert.Equal(t, "192.0.2.1:0", waitFor(t, "the address", remotes))
}

// TestAcceptByHand reads and writes messages in the program itself, as is done with node-rtmpapi.
func TestAcceptByHand(t *testing.T) {
	a, b := net.Pipe()
	type outcome struct {
		name string
		err  error
	}
	done := make(chan outcome, 1)
	ctx := background(t)
	go func() {
		c, err := server.Accept(ctx, b, nil)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		defer c.Close()
		var p message.Packet
		for {
			if err = c.ReadPacket(ctx, &p); err != nil {
				break
			}
			if p.Type == message.TypeCommandAMF0 {
				cmd, _ := message.ParseCommand(p.Type, p.Body)
				if cmd.Name == "hello" {
					body, _ := message.AppendCommand(nil, p.Type, &message.Command{Name: "_result", TransactionID: cmd.TransactionID, Args: []any{"by hand"}})
					c.SendPacket(ctx, &message.Packet{Type: p.Type, Body: body})
					k, err := c.Call(ctx, "name")
					if err != nil {
						done <- outcome{err: err}
						return
					}
					go func() {
						v, err := k.Result(ctx)
						name, _ := v.(string)
						done <- outcome{name, err}
					}()
					continue
				}
			}
			if err = c.HandlePacket(ctx, &p); err != nil {
				break
			}
		}
	}()
	p := peerOn(t, a)
	assert.Equal(t, "_result", p.connect("x").Name, "served after all")
	p.command(0, "hello", 8, nil)
	assert.Equal(t, []any{"by hand"}, p.answer("_result").Args)
	ask := p.answer("name")
	p.command(0, "_result", ask.TransactionID, nil, "alice")
	got := waitFor(t, "the outcome", done)
	require.NoError(t, got.err)
	assert.Equal(t, "alice", got.name)
	a.Close()
}

func TestAcceptFails(t *testing.T) {
	a, b := net.Pipe()
	go func() { a.Write([]byte("GET / HTTP/1.1\r\n\r\n")); a.Close() }()
	_, err := server.Accept(background(t), b, nil)
	var failed *handshake.Error
	assert.ErrorAs(t, err, &failed)
}
