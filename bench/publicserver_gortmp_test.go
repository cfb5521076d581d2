//go:build !(386 || arm || mips || mipsle)

package bench

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	gortmp "github.com/yutopp/go-rtmp"
	gortmpmessage "github.com/yutopp/go-rtmp/message"

	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// TestGoRTMPPublishesToThePublicServer publishes with go-rtmp to package server. go-rtmp's client can't play.
func TestGoRTMPPublishesToThePublicServer(t *testing.T) {
	media := sample(t, 0)
	s := servertest.New(t, nil)
	log := logrus.New()
	log.SetOutput(io.Discard)
	addr := strings.TrimSuffix(strings.TrimPrefix(s.URL(""), "rtmp://"), "/")
	c, err := gortmp.Dial("rtmp", addr, &gortmp.ConnConfig{Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Connect(&gortmpmessage.NetConnectionConnect{Command: gortmpmessage.NetConnectionConnectCommand{App: "live"}}))
	out, err := c.CreateStream(nil, 128)
	require.NoError(t, err)
	require.NoError(t, out.Publish(&gortmpmessage.NetStreamPublish{PublishingName: "stream", PublishingType: "live"}))
	for _, p := range media.packets { // on one chunk stream, since go-rtmp sends each chunk stream on its own goroutine
		body := bytes.NewReader(p.Body)
		if p.Type == message.TypeAudio {
			require.NoError(t, out.Write(4, p.Timestamp, &gortmpmessage.AudioMessage{Payload: body}))
		} else {
			require.NoError(t, out.Write(4, p.Timestamp, &gortmpmessage.VideoMessage{Payload: body}))
		}
	}
	require.NoError(t, s.Await(testContext(t), "live/stream", len(media.packets)))
	assertPackets(t, media, packetsOf(s.Published("live/stream")))
}
