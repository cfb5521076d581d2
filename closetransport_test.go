package rtmp

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// The tail of a large push is not lost on any transport, although the server is slow and acknowledges all the time, and though
// the connection may be none that can be half closed.
func TestCloseLosesNothingOverEveryTransport(t *testing.T) {
	const count, size = 24, 512 << 10
	body := bytes.Repeat([]byte{0x27}, size)
	for name, dial := range map[string]func(ctx context.Context, network, addr string) (net.Conn, error){
		"a socket": nil,
		"wrapped": func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return hidden{nc}, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
				server, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme, WindowAckSize: 10_000,
					OnMessage: func(*testserver.Session, *chunk.Message) { time.Sleep(time.Millisecond) }})
				o.DialContext = dial
				c, s := publishing(t, server.URL("live", "out"), o)
				for i := range count {
					require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(i * 40), Body: body}))
				}
				require.NoError(t, c.Close())
				assert.Len(t, rtmptest.Tags(t, recorded("out")), count)
			})
		})
	}
}

// pipedPublisher publishes by rtmps through a pipe, where a write waits for its reader. The server reads as far as deleteStream
// and then does what then says; what it hears is gone is closed.
func pipedPublisher(t *testing.T, timeout time.Duration, then func(nc net.Conn)) *Conn {
	client, server := net.Pipe()
	cfg := testserver.ServerTLS()
	cfg.SessionTicketsDisabled = true // nobody would read them
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		nc := tls.Server(server, cfg)
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPublisher()
		p.Expect("deleteStream")
		then(nc)
	}()
	trust := testserver.ClientTLS()
	trust.Time = func() time.Time { return cfg.Certificates[0].Leaf.NotBefore.Add(time.Minute) } // in a bubble it is another
	c, err := Dial(t.Context(), "rtmps://127.0.0.1/app/play", &Options{Timeout: timeout, TLSConfig: trust,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); <-done })
	_, err = c.CreateStream(t.Context(), &StreamOptions{Writable: true})
	require.NoError(t, err)
	return c
}

func TestFarewellOfTLS(t *testing.T) {
	testserver.ServerTLS() // makes the certificate, at real time
	t.Run("nobody reads it", func(t *testing.T) {
		over := make(chan struct{})
		defer close(over)
		c := pipedPublisher(t, 100*time.Millisecond, func(net.Conn) { <-over })
		assert.Less(t, elapsed(func() { c.Close() }), 4*time.Second) // crypto/tls alone would take five
	})
	t.Run("somebody reads it late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := pipedPublisher(t, 30*time.Second, func(nc net.Conn) {
				time.Sleep(8 * time.Second)
				_, err := io.Copy(io.Discard, nc)
				assert.NoError(t, err)
			})
			assert.Equal(t, 8*time.Second, elapsed(func() { assert.NoError(t, c.Close()) }))
		})
	})
}
