//go:build !(386 || arm || mips || mipsle)

package bench

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	gortmp "github.com/yutopp/go-rtmp"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
)

// goRTMPServer starts a go-rtmp server that passes published media to take. The server ends with the test.
func goRTMPServer(tb testing.TB, take func(message.Type, uint32, io.Reader) error) (url string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	server := gortmp.NewServer(&gortmp.ServerConfig{OnConnect: func(nc net.Conn) (io.ReadWriteCloser, *gortmp.ConnConfig) {
		return nc, &gortmp.ConnConfig{Handler: &goRTMPHandler{take: take}}
	}})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(l)
	}()
	tb.Cleanup(func() {
		server.Close()
		<-ended
	})
	return "rtmp://" + l.Addr().String() + "/app/stream"
}

type goRTMPHandler struct {
	gortmp.DefaultHandler
	take func(message.Type, uint32, io.Reader) error
}

func (h *goRTMPHandler) OnAudio(timestamp uint32, payload io.Reader) error {
	return h.take(message.TypeAudio, timestamp, payload)
}

func (h *goRTMPHandler) OnVideo(timestamp uint32, payload io.Reader) error {
	return h.take(message.TypeVideo, timestamp, payload)
}

func TestPublishToGoRTMP(t *testing.T) {
	for _, media := range streams(t) {
		t.Run(media.name, func(t *testing.T) {
			packets := make(chan rtmp.Packet, len(media.packets)+1)
			url := goRTMPServer(t, func(kind message.Type, timestamp uint32, payload io.Reader) error {
				body, err := io.ReadAll(payload)
				packets <- rtmp.Packet{Type: kind, Timestamp: timestamp, Body: body}
				return err
			})
			publish(t, url, media.file())
			var got []rtmp.Packet
			for range media.packets {
				select {
				case p := <-packets:
					got = append(got, p)
				case <-testContext(t).Done():
					t.Fatalf("%d of %d packets have arrived", len(got), len(media.packets))
				}
			}
			assertPackets(t, media, got)
		})
	}
}

// goRTMPForAll accepts publishers. go-rtmp's server can't play.
func goRTMPForAll(t *testing.T) pipeliningServer {
	url := goRTMPServer(t, func(_ message.Type, _ uint32, payload io.Reader) error {
		_, err := io.Copy(io.Discard, payload)
		return err
	})
	return pipeliningServer{publish: url, fallbacks: [3]int{0, 0, 1}} // go-rtmp requires C2 to echo S1, so a pipelined handshake fails
}
