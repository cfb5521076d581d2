package main

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// health requests /healthz on a new connection, which stays open. It returns nil if the server closes the connection.
func (c *command) health() net.Conn {
	c.t.Helper()
	nc, err := net.Dial("tcp", c.http)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	io.WriteString(nc, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		assert.False(c.t, errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
		return nil
	}
	response.Body.Close()
	return nc
}

// TestMaxHTTPConns checks that the number of HTTP connections is limited, in total and for each address, even if they
// play nothing.
func TestMaxHTTPConns(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--max-conns-per-ip", "1"}, {"--max-conns", "1"}} {
		c := start(t, append(args, "--http", "127.0.0.1:0")...)
		first := c.health()
		require.NotNil(t, first)
		for range browserConns - 1 {
			require.NotNil(t, c.health(), "%s: what a browser needs", args)
		}
		assert.Nil(t, c.health(), args)
		c.await("HTTP connection refused")
		first.Close()
		require.Eventually(t, func() bool { return c.health() != nil }, patience, 10*time.Millisecond, "%s: a place is free", args)
	}
}

// TestMaxHTTPConnsOfAProxy checks that the connections of a trusted proxy do not count for its address.
func TestMaxHTTPConnsOfAProxy(t *testing.T) {
	t.Parallel()
	for trusted, want := range map[string]bool{"192.0.2.0/24": false, "127.0.0.0/8": true} {
		var s settings
		require.NoError(t, s.trustedProxies.Set(trusted))
		s.maxConnsPerIP = 1
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		l := &limited{inner, s.httpPlaces(), s.trustedProxies, slog.New(slog.DiscardHandler)}
		accepted := make(chan net.Conn, browserConns+1)
		go func() {
			defer close(accepted)
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- nc
			}
		}()
		var last net.Conn
		for range browserConns + 1 {
			last, err = net.Dial("tcp", inner.Addr().String())
			require.NoError(t, err)
			defer last.Close()
		}
		if !want {
			last.SetDeadline(time.Now().Add(patience))
			_, err = last.Read(make([]byte, 1))
			assert.Error(t, err)
		}
		for range browserConns {
			defer (<-accepted).Close()
		}
		if want {
			defer (<-accepted).Close()
		}
		l.Close()
		_, more := <-accepted
		assert.False(t, more)
	}
}

// TestLimitedConnHalfCloses checks that CloseWrite works, which net/http and package server call at the end of a response.
func TestLimitedConnHalfCloses(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &limited{inner, new(settings).httpPlaces(), nil, slog.New(slog.DiscardHandler)}
	defer l.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	client.SetDeadline(time.Now().Add(patience))
	nc, err := l.Accept()
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.(interface{ CloseWrite() error }).CloseWrite())
	_, err = client.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
	_, err = client.Write([]byte{1})
	require.NoError(t, err)
	_, err = io.ReadFull(nc, make([]byte, 1))
	assert.NoError(t, err)
}
