package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTunnelHangs checks that calls end at their deadlines if the server hangs, and that no bytes are lost.
func TestTunnelHangs(t *testing.T) {
	for _, op := range []string{"idle", "send"} {
		t.Run(op, func(t *testing.T) {
			release := make(chan struct{})
			var real http.Handler
			hang := func(w http.ResponseWriter, r *http.Request) {
				<-release
				real.ServeHTTP(w, r)
			}
			serve, accepted := handOver(t)
			addr := serveTunnel(t, serve, func(next http.Handler) http.Handler { real = next; return next },
				instead(op, 0, hang))
			nc := dialTunnel(t, Config{}, addr)
			want := noise(8, 1<<20)
			nc.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			sent, err := nc.Write(want)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			assert.True(t, timeout.Timeout())
			nc.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			_, err = nc.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)

			close(release)
			nc.SetDeadline(time.Now().Add(patience))
			go nc.Write(want[sent:])
			server := <-accepted
			got := make([]byte, len(want))
			_, err = io.ReadFull(server, got)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

// TestTunnelClosesThoughServerHangs checks that Close returns though the server does not answer, and that the session has then ended on the
// server, too.
func TestTunnelClosesThoughServerHangs(t *testing.T) {
	for _, op := range []string{"idle", "send", "close"} {
		hanging, release := make(chan struct{}), make(chan struct{})
		serve, ended := readAll()
		var real http.Handler
		addr := serveTunnel(t, serve, func(next http.Handler) http.Handler { real = next; return next },
			instead(op, 0, func(_ http.ResponseWriter, r *http.Request) {
				real.ServeHTTP(httptest.NewRecorder(), r)
				close(hanging)
				<-release
			}))
		nc := dialTunnel(t, Config{}, addr)
		if op != "idle" {
			_, err := nc.Write(make([]byte, 9))
			require.NoError(t, err)
		}
		if op == "close" {
			require.NoError(t, nc.(interface{ CloseWrite() error }).CloseWrite())
		}
		<-hanging
		read := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, nc)
			read <- err
		}()
		require.NoError(t, nc.Close())
		if err := <-read; err != nil { // Read may already have returned io.EOF
			assert.ErrorIs(t, err, net.ErrClosed)
		}
		select {
		case err := <-ended:
			assert.NoError(t, err, op)
		case <-time.After(patience / 2): // the session would end half a minute after the last request
			assert.Fail(t, "the session has not ended", op)
		}
		close(release)
	}
}

// TestTunnelClosesWithBytesUnsent checks that the server sees no orderly end if Close could not send everything.
func TestTunnelClosesWithBytesUnsent(t *testing.T) {
	hanging, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	serve, ended := readAll()
	var real http.Handler
	nc := dialTunnel(t, Config{}, serveTunnel(t, serve, func(next http.Handler) http.Handler { real = next; return next },
		instead("send", 0, func(_ http.ResponseWriter, r *http.Request) {
			real.ServeHTTP(httptest.NewRecorder(), r)
			close(hanging)
			<-release
		})))
	_, err := nc.Write([]byte("first"))
	require.NoError(t, err)
	<-hanging
	_, err = nc.Write([]byte("second"))
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	assert.Equal(t, io.ErrUnexpectedEOF, <-ended)
}

// TestTunnelClosesSlowly checks that the request that closes the session may take until the end of Close.
func TestTunnelClosesSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve, ended := readAll()
		s := NewTunnelServer(serve)
		defer s.Close()
		slow := roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/close/") {
				select {
				case <-time.After((tunnelSendTimeout + tunnelCloseTimeout) / 2):
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w.Result(), nil
		})
		nc := dialTunnel(t, Config{HTTPClient: &http.Client{Transport: slow}}, "server.test:80")
		require.NoError(t, nc.Close())
		synctest.Wait()
		assert.Zero(t, s.Sessions())
		assert.NoError(t, <-ended)
	})
}

func TestTunnelOpenHangs(t *testing.T) {
	hanging, release := make(chan struct{}), make(chan struct{})
	addr := serveTunnel(t, echo, instead("open", 0, func(http.ResponseWriter, *http.Request) {
		close(hanging)
		<-release
	}))
	defer close(release)
	d, err := NewDialer(Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hanging
		cancel()
	}()
	_, err = d.DialTunnel(ctx, addr, false)
	require.ErrorIs(t, err, context.Canceled)
	isTunnelError(t, err, "open", 0, "context canceled")
}

func TestTunnelDialHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, err := NewDialer(Config{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	require.NoError(t, err)
	for _, secure := range []bool{false, true} {
		_, err = d.DialTunnel(ctx, "server.test:80", secure)
		require.ErrorIs(t, err, context.Canceled)
	}
}

// TestTunnelReadsPartOfAnswer checks that Read does not wait for the whole answer.
func TestTunnelReadsPartOfAnswer(t *testing.T) {
	read := make(chan struct{})
	nc := dialTunnel(t, Config{}, serveTunnel(t, echo, instead("idle", 0, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "\x01ab")
		http.NewResponseController(w).Flush()
		<-read
		io.WriteString(w, "cd")
	})))
	got := make([]byte, 4)
	n, err := io.ReadFull(nc, got[:2])
	require.NoError(t, err)
	assert.Equal(t, "ab", string(got[:n]))
	nc.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = nc.Read(got)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	close(read)
	nc.SetReadDeadline(time.Now().Add(patience))
	_, err = io.ReadFull(nc, got[2:])
	require.NoError(t, err)
	assert.Equal(t, "cd", string(got[2:]))
}

// TestTunnelReadsAnswerThatStaysOpen checks that Read does not wait for more bytes if an answer of unknown length pauses.
func TestTunnelReadsAnswerThatStaysOpen(t *testing.T) {
	read := make(chan struct{})
	nc := dialTunnel(t, Config{}, serveTunnel(t, echo, instead("idle", 0, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "\x01")
		for range 10 {
			w.Write(make([]byte, 3000))
			http.NewResponseController(w).Flush()
			<-read
		}
	})))
	for range 10 {
		_, err := io.ReadFull(nc, make([]byte, 3000))
		require.NoError(t, err)
		read <- struct{}{}
	}
}

// flakyConn is a connection that accepts a limited number of bytes.
type flakyConn struct {
	net.Conn
	left *atomic.Int64 // how many bytes it accepts; negative means all
}

func (c *flakyConn) Write(b []byte) (int, error) {
	left := c.left.Load()
	if left < 0 {
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:min(len(b), int(left))])
	c.Conn.Close()
	return n, errors.New("connection reset")
}

// TestTunnelConnectionDies checks that a request is repeated if the connection was kept from an earlier request and ends before the answer.
// If the server has received only a part of the request, the tunnel may end.
func TestTunnelConnectionDies(t *testing.T) {
	for taken, served := range map[int64]bool{0: false, 1: false, 500: true} {
		var dials, left atomic.Int64
		left.Store(-1)
		cfg := Config{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			if dials.Load() > 1 {
				return nc, err
			}
			return &flakyConn{nc, &left}, err
		}}
		polled, goOn := make(chan struct{}), make(chan struct{})
		first := true
		nc := dialTunnel(t, cfg, serveTunnel(t, echo, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if first && strings.HasPrefix(r.URL.Path, "/idle/") {
					first = false
					io.Copy(io.Discard, r.Body) // then the request has been sent completely
					close(polled)
					<-goOn
				}
				next.ServeHTTP(w, r)
			})
		}))
		<-polled
		want := noise(9, 10<<10)
		_, err := nc.Write(want)
		require.NoError(t, err)
		left.Store(taken)
		close(goOn) // the next request is the send
		got := make([]byte, len(want))
		_, err = io.ReadFull(nc, got)
		if served && err != nil { // otherwise the whole request has arrived before the partial one
			isTunnelError(t, err, "send", http.StatusNotFound, "")
		} else {
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
		assert.EqualValues(t, 2, dials.Load())
	}
}
