package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rc4"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secureProxy starts an https proxy for one client. The proxy passes the connection to the test after the client has named the server.
func secureProxy(t *testing.T) (cfg Config, server *tls.Config, accepted chan net.Conn) {
	keys := httptest.NewTLSServer(nil)
	keys.Close()
	server = &tls.Config{Certificates: keys.TLS.Certificates, SessionTicketsDisabled: true} // without session tickets, which the client would not read
	near, far := net.Pipe()                                                                 // with net.Pipe, every write waits for a read
	accepted = make(chan net.Conn, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc := tls.Server(far, server)
		in := bufio.NewReader(nc)
		if _, err := http.ReadRequest(in); err == nil {
			io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
			accepted <- nc
		}
	}()
	t.Cleanup(func() { far.Close(); <-done })
	return Config{Proxy: "https://127.0.0.1", TLSConfig: keys.Client().Transport.(*http.Transport).TLSClientConfig,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}, server, accepted
}

// TestResumedWritesThroughSecureProxy checks that reads and writes through an https proxy can be resumed after a deadline, even if the
// inner connection uses TLS or a cipher.
func TestResumedWritesThroughSecureProxy(t *testing.T) {
	const addr = "127.0.0.1:1935"
	rc := func() *rc4.Cipher {
		c, err := rc4.NewCipher([]byte("key"))
		require.NoError(t, err)
		return c
	}
	for name, test := range map[string]struct {
		dial  func(context.Context, *Dialer) (net.Conn, error)
		serve func(nc net.Conn, cfg *tls.Config) net.Conn
	}{
		"tcp": {func(ctx context.Context, d *Dialer) (net.Conn, error) { return d.Dial(ctx, addr) },
			func(nc net.Conn, _ *tls.Config) net.Conn { return nc }},
		"tls": {func(ctx context.Context, d *Dialer) (net.Conn, error) { return d.DialTLS(ctx, addr) },
			func(nc net.Conn, cfg *tls.Config) net.Conn { return tls.Server(nc, cfg) }},
		"enciphered tcp": {func(ctx context.Context, d *Dialer) (net.Conn, error) {
			nc, err := d.Dial(ctx, addr)
			if err != nil {
				return nil, err
			}
			return Encipher(nc, rc(), rc()), nil
		}, func(nc net.Conn, _ *tls.Config) net.Conn { return Encipher(nc, rc(), rc()) }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, serverConfig, accepted := secureProxy(t)
			d, err := NewDialer(cfg)
			require.NoError(t, err)
			want := noise(5, 2<<20)
			received := make(chan []byte, 1)
			go func() {
				nc := <-accepted
				defer nc.Close()
				got := make([]byte, len(want)+10)
				n, _ := io.ReadFull(test.serve(nc, serverConfig), got)
				received <- got[:n]
			}()
			client, err := test.dial(t.Context(), d)
			require.NoError(t, err)
			defer time.AfterFunc(patience, func() { client.Close() }).Stop()
			_, err = writeResuming(client, want, rand.New(rand.NewPCG(5, 5)))
			if err == nil { // a deadline may also interrupt the last write
				client.SetWriteDeadline(past)
				var n int
				n, err = client.Write(want[:10])
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				client.SetWriteDeadline(time.Time{})
				_, err = client.Write(want[n:10])
				assert.True(t, bytes.Equal(append(want, want[:10]...), <-received))
			}
			client.Close()
			require.NoError(t, err)
		})
	}
}
