package rtmp

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// A tunnel's server ends the session while media is still to be sent: what it refuses then has not arrived, and Close reports that.
func TestCloseReportsWhatATunnelRefused(t *testing.T) {
	var ended atomic.Bool
	var refused atomic.Int64
	arrived, answer := make(chan struct{}), make(chan struct{})
	tunnels := transport.NewTunnelServer(func(nc net.Conn) {
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPublisher()
		p.UntilGone()
	})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send := strings.HasPrefix(r.URL.Path, "/send/")
		switch {
		case ended.Load():
			n, _ := io.Copy(io.Discard, r.Body)
			if send {
				refused.Add(n)
			}
			http.NotFound(w, r)
		case send && r.ContentLength > 5000:
			ended.Store(true)
			io.Copy(io.Discard, r.Body)
			close(arrived)
			<-answer
			w.Header().Set("Content-Type", "application/x-fcs")
			w.Write([]byte{0}) // the session is about to end
		default:
			tunnels.ServeHTTP(w, r)
		}
	}))
	defer tunnels.Close()
	defer web.Close()
	c, s := publishing(t, "rtmpt"+strings.TrimPrefix(web.URL, "http")+"/app/play", &Options{NoEnhanced: true})
	writePackets(t, s, 1, 10_000)
	<-arrived
	writePackets(t, s, 10, 10_000)
	close(answer)
	s.Close()
	assert.Error(t, c.Close())
	assert.Positive(t, refused.Load())
}
