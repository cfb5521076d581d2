package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestPyRTMP tests every feature of pyrtmp. Each subtest has pyrtmp's name for the feature.
func TestPyRTMP(t *testing.T) {
	checklist(t, []feature{
		{"SessionManager", map[string]func(*testing.T){"by hand": TestAcceptByHand, "a handshake that fails": TestAcceptFails}},
		{"SimpleRTMPController", map[string]func(*testing.T){"hooks": TestHooksInOrder, "unknown message": TestSendPacketAndPacketHook,
			"messages": controller, "closed": TestHandlerLosesItsPublisher}},
		{"SimpleRTMPServer", map[string]func(*testing.T){"start stop": flashServer, "wait_closed": TestShutdownOfAnIdleServer}},
		{"FLVFileWriter, demo_flvdump", map[string]func(*testing.T){"file": TestRecordingOfALiveStream}},
		{"demo_ffmpeg", map[string]func(*testing.T){"standard input": TestPublishIntoFFmpeg}},
		{"demo_rtmpt", map[string]func(*testing.T){"beside other routes": tunnelBesideOtherRoutes}},
		{"RTMPS", map[string]func(*testing.T){"transports": TestTransports}},
		{"its own test: ffprobe, three at once", map[string]func(*testing.T){"durations": TestThreeRecordingsAtOnce}},
	})
}

// eachMessage tests the callbacks of pyrtmp's controller: on_metadata, on_audio_message, on_video_message, on_ns_close_stream.
type eachMessage struct {
	byHand
	kinds chan message.Type
}

func (h *eachMessage) ServePublish(_ context.Context, s *server.Stream) error {
	var p message.Packet
	for {
		if err := s.ReadPacket(&p); err != nil {
			close(h.kinds)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		h.kinds <- p.Type
	}
}

func controller(t *testing.T) {
	all := sample(t)
	h := &eachMessage{kinds: make(chan message.Type, len(all)+1)}
	_, s := publish(t, "rtmp://"+app(t, &server.App{Handler: h})+"/live/x")
	write(t, s, all)
	require.NoError(t, s.Close())
	for _, tag := range all {
		assert.Equal(t, message.Type(tag.Type), waitFor(t, "a message", h.kinds))
	}
	_, more := <-h.kinds
	assert.False(t, more)
}

func tunnelBesideOtherRoutes(t *testing.T) {
	s := &server.Server{}
	t.Cleanup(func() { s.Close() })
	mux := http.NewServeMux()
	tunnel := s.TunnelHandler()
	for _, route := range []string{"/open/", "/idle/", "/send/", "/close/", "/fcs/"} {
		mux.Handle(route, tunnel)
	}
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "world") })
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	c := dial(t, "rtmpt://"+web.Listener.Addr().String()+"/live/x", &rtmp.Options{Publish: true})
	_, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	response, err := http.Get(web.URL + "/hello")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "world", string(body))
	http.DefaultClient.CloseIdleConnections()
}

// TestNodeRTMPAPI tests every feature of node-rtmpapi. Each subtest has node-rtmpapi's name for the feature. Packages rtmp, chunk and
// handshake replace its client, its chunks and its handshake.
func TestNodeRTMPAPI(t *testing.T) {
	checklist(t, []feature{
		{"createServer rtmpSession msg.loop", map[string]func(*testing.T){"by hand": TestAcceptByHand}},
		{"sendSetChunkSize sendSetWindowSize sendSetPeerBw", map[string]func(*testing.T){"defaults": controlMessages}},
		{"rtmpMsgSend", map[string]func(*testing.T){"SendPacket": TestSendPacketAndPacketHook}},
		{"sendAmf0EncCmdMsg", map[string]func(*testing.T){"Call": TestCallsFromHooks}},
		{"Q has a bound", map[string]func(*testing.T){"queue": TestMediaBeforeThePublishHookIsBounded}},
	})
}
