package main

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// refusal returns the HTTP status or the RTMP status code that a refused viewer receives.
func (c *command) refusal(way, path string) string {
	c.t.Helper()
	switch way {
	case "http-flv":
		status, _ := c.get("GET", "/"+path+".flv")
		return strconv.Itoa(status)
	case "fmp4":
		status, _ := c.get("GET", "/fmp4/"+path+".mp4")
		return strconv.Itoa(status)
	case "ws-flv":
		socket, response, err := websocket.Dial(conntest.Context(c.t), "ws://"+c.http+"/"+path+".flv", nil)
		if !assert.Error(c.t, err, "%s by %s", path, way) {
			socket.CloseNow()
			return ""
		}
		return strconv.Itoa(response.StatusCode)
	}
	conn, err := rtmp.Dial(conntest.Context(c.t), "rtmpt://"+c.http+"/"+path, &rtmp.Options{Live: true})
	if err == nil {
		defer conn.Close()
		var s *rtmp.Stream
		if s, err = conn.CreateStream(conntest.Context(c.t), nil); err == nil {
			_, err = s.Read(make([]byte, 1))
		}
	}
	var tunnel *transport.TunnelError
	if errors.As(err, &tunnel) {
		return strconv.Itoa(tunnel.Status)
	}
	var status *rtmp.StatusError
	require.ErrorAs(c.t, err, &status, "%s by %s", path, way)
	return status.Code
}

// TestRefusedViewers checks that viewers of every kind get a status that says why they are refused.
func TestRefusedViewers(t *testing.T) {
	t.Parallel()
	b := newBackEnd(t, func(event map[string]any, w http.ResponseWriter) {
		if event["action"] == "on_play" && event["stream"] == "secret" {
			w.Write([]byte("1"))
			return
		}
		w.Write([]byte("0"))
	})
	web := []string{"--http", "127.0.0.1:0", "--await", "-1s"}
	open := start(t, append(web, "--hook", b.URL)...)
	full := start(t, append(web, "--max-conns-per-ip", "1")...)
	publish(t, full.url("live/x"))
	closed := start(t, append(web, "--deny", "127.0.0.0/8")...)
	for way, want := range map[string]struct{ missing, denied, address, full string }{
		"http-flv": {"404", "403", "403", "503"},
		"ws-flv":   {"404", "403", "403", "503"},
		"fmp4":     {"404", "403", "403", "503"},
		"rtmpt":    {message.CodePlayStreamNotFound, message.CodePlayFailed, message.CodeConnectRejected, "503"},
	} {
		assert.Equal(t, want.missing, open.refusal(way, "live/nothing"), way)
		assert.Equal(t, want.denied, open.refusal(way, "live/secret"), way)
		assert.Equal(t, want.address, closed.refusal(way, "live/x"), way)
		assert.Equal(t, want.full, full.refusal(way, "live/x"), way)
	}
	stopped := func() bool { return len(b.of("on_stop")) == 4 }
	require.Eventually(t, stopped, patience, 10*time.Millisecond, "who was let in and found nothing")
}
