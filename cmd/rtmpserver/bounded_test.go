package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/server"
)

// single is a listener that accepts one connection.
type single struct{ conns chan net.Conn }

func (l single) Addr() net.Addr { return &net.TCPAddr{} }
func (l single) Close() error   { close(l.conns); return nil }
func (l single) Accept() (net.Conn, error) {
	if nc, ok := <-l.conns; ok {
		return nc, nil
	}
	return nil, net.ErrClosed
}

// TestStalledRequests checks that a client is disconnected after a while if it does not send the whole request body, or does not read the
// response.
func TestStalledRequests(t *testing.T) {
	for name, request := range map[string]string{
		"body":                        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
		"body of RTMPT":               "POST /open/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
		"refusal of RTMPT, unread":    "POST /open/1 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n\r\n",
		"refusal of a viewer, unread": "POST /fmp4/live/x.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"answer, unread":              "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rtmp := &server.Server{Logger: slog.New(slog.DiscardHandler)}
				defer rtmp.Close()
				srv := newHTTPServer(newSite(&settings{}, rtmp), rtmp.Logger)
				l := single{make(chan net.Conn, 1)}
				client, served := net.Pipe()
				l.conns <- served
				done := make(chan error, 1)
				go func() { done <- srv.Serve(l) }()
				_, err := client.Write([]byte(request))
				require.NoError(t, err)
				time.Sleep(time.Minute)
				client.SetReadDeadline(time.Now().Add(time.Second))
				_, err = io.Copy(io.Discard, client)
				assert.NoError(t, err, "the server has hung up")
				srv.Close()
				assert.ErrorIs(t, <-done, http.ErrServerClosed)
			})
		})
	}
}
