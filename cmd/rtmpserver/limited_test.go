package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// health requests /healthz on a new connection, which stays open. If the server closes the connection, health returns nil.
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

// TestMaxHTTPConns checks that the number of HTTP connections is limited, in total and for each address, even if they do not play anything.
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
		require.Eventually(t, func() bool { return c.health() != nil }, patience, 10*time.Millisecond, "%s: a slot is free", args)
	}
}

// TestMaxHTTPConnsOfAProxy checks that the connections of a trusted proxy do not count for its address.
func TestMaxHTTPConnsOfAProxy(t *testing.T) {
	t.Parallel()
	for trusted, want := range map[string]bool{"192.0.2.0/24": false, "127.0.0.0/8": true} {
		c := start(t, "--max-conns-per-ip", "1", "--trusted-proxy", trusted, "--http", "127.0.0.1:0")
		for range browserConns {
			require.NotNil(t, c.health())
		}
		assert.Equal(t, want, c.health() != nil, "trusted: %s", trusted)
	}
}

// TestViewersAreNotHTTPConns checks that viewers leave room for other requests, since package server takes over their connections and
// counts them.
func TestViewersAreNotHTTPConns(t *testing.T) {
	t.Parallel()
	c := start(t, "--max-conns-per-ip", "9", "--http", "127.0.0.1:0")
	publish(t, c.url("live/x")) // the first client
	for range 8 {
		response := c.request("GET", "/live/x.flv")
		defer response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	response := c.request("GET", "/live/x.flv")
	defer response.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	for range 8 {
		require.NotNil(t, c.health())
	}
}
