package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"
)

// serveTunnel starts a server that calls serve for its sessions.
func serveTunnel(t testing.TB, serve func(net.Conn)) (addr string) {
	tunnels := NewTunnelServer(serve)
	s := httptest.NewServer(tunnels)
	t.Cleanup(func() {
		tunnels.Close()
		s.Close()
	})
	return strings.TrimPrefix(s.URL, "http://")
}

func dialTunnel(t testing.TB, cfg Config, addr string) net.Conn {
	d, err := NewDialer(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	nc, err := d.DialTunnel(ctx, addr, false)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return nc
}

func TestTunnelIsNetConn(t *testing.T) {
	nettest.TestConn(t, func() (client, server net.Conn, stop func(), err error) {
		accepted, release := make(chan net.Conn), make(chan struct{})
		tunnels := NewTunnelServer(func(nc net.Conn) {
			accepted <- nc
			<-release
		})
		s := httptest.NewServer(tunnels)
		d, err := NewDialer(Config{})
		if err != nil {
			return nil, nil, nil, err
		}
		client, err = d.DialTunnel(t.Context(), strings.TrimPrefix(s.URL, "http://"), false)
		if err != nil {
			return nil, nil, nil, err
		}
		server = <-accepted
		return client, server, func() {
			client.Close()
			close(release)
			tunnels.Close()
			s.Close()
		}, nil
	})
}

func TestTunnelEcho(t *testing.T) {
	addr := serveTunnel(t, func(nc net.Conn) { io.Copy(nc, nc) })
	nc := dialTunnel(t, Config{Ident: true}, addr)
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		nc.Write(want)
	}()
	got := make([]byte, len(want))
	_, err := io.ReadFull(nc, got)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
}

var _ http.Handler = (*TunnelServer)(nil)
