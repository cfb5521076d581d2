package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/server"
)

// TestViewerWithABody checks that a viewer with a request body is refused. Until the announced body has arrived, net/http does not notice
// when a client leaves. Such a viewer could wait for its stream forever, and would count in MaxConns meanwhile.
func TestViewerWithABody(t *testing.T) {
	s := new(server.Server)
	url := strings.TrimPrefix(web(t, s), "http://")
	for _, header := range []string{"Content-Length: 10", "Transfer-Encoding: chunked"} {
		nc, err := net.Dial("tcp", url)
		require.NoError(t, err)
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		_, err = nc.Write([]byte("GET /live/x.flv HTTP/1.1\r\nHost: server.test\r\n" + header + "\r\n\r\n"))
		require.NoError(t, err)
		in := bufio.NewReader(nc)
		response, err := http.ReadResponse(in, nil)
		require.NoError(t, err, header)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusBadRequest, response.StatusCode, header)
		_, err = in.ReadByte()
		assert.Equal(t, io.EOF, err, header)
	}
	assert.Zero(t, s.Stats().Conns)
}

// TestViewerLeavesBeforeTheStream checks that a viewer that leaves before its stream has begun does not count as refused.
func TestViewerLeavesBeforeTheStream(t *testing.T) {
	s := new(server.Server)
	url := web(t, s)
	ctx, leave := context.WithCancel(background(t))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/live/x.flv", nil)
	require.NoError(t, err)
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(r)
		gone <- err
	}()
	require.Eventually(t, func() bool { return s.Stats().Conns == 1 }, patience, time.Millisecond)
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
	require.Eventually(t, func() bool { return s.Stats().Conns == 0 }, patience, time.Millisecond)
	assert.Zero(t, s.Stats().Refused)
}
