package bench

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// toPublicServer connects gortmplib to a stream of package server.
func toPublicServer(t *testing.T, s *servertest.Server, publish bool) *gortmplib.Client {
	t.Helper()
	u, err := url.Parse(strings.Replace(s.URL("live/stream"), "/live/stream", "/live#stream", 1)) // gortmplib expects the stream's name in the fragment
	require.NoError(t, err)
	c := &gortmplib.Client{URL: u, Publish: publish}
	require.NoError(t, c.Initialize(testContext(t)))
	t.Cleanup(c.Close)
	require.NoError(t, c.NetConn().SetDeadline(time.Now().Add(testTimeout)))
	return c
}

// packetsOf returns the audio and video messages of tags.
func packetsOf(tags []flv.Tag) (packets []rtmp.Packet) {
	for _, tag := range tags {
		if tag.Type != flv.TagScript {
			packets = append(packets, rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body})
		}
	}
	return packets
}

// TestGortmplibPublishesToThePublicServer checks that media published by gortmplib arrives at package server unchanged.
func TestGortmplibPublishesToThePublicServer(t *testing.T) {
	for _, media := range streams(t) {
		t.Run(media.name, func(t *testing.T) {
			s := servertest.New(t, &server.App{Live: server.Live{Linger: -1}})
			publisher := toPublicServer(t, s, true)
			require.NoError(t, writeUnits(publisher, media))
			require.NoError(t, s.Await(testContext(t), "live/stream", 1+len(media.packets))) // the packets and the metadata
			assertPackets(t, media, packetsOf(s.Published("live/stream")))
		})
	}
}

// TestGortmplibPlaysFromThePublicServer plays a live stream of package server with gortmplib.
func TestGortmplibPlaysFromThePublicServer(t *testing.T) {
	media := sample(t, 0)
	played := make(chan struct{}, 1)
	s := servertest.New(t, &server.App{Live: server.Live{Linger: -1},
		Stop: func(*server.Request, server.StreamStats) { played <- struct{}{} }})
	publisher, err := s.Server().Publish(testContext(t), "live/stream")
	require.NoError(t, err)
	_, err = publisher.Write(media.file())
	require.NoError(t, err)
	player := toPublicServer(t, s, false)
	r := &gortmplib.Reader{Conn: player}
	require.NoError(t, r.Initialize())
	require.Equal(t, media.tracks, r.Tracks())
	units := 0
	for _, track := range r.Tracks() {
		listen(r, track, func(time.Duration, time.Duration, ...[]byte) { units++ })
	}
	for units < 10 {
		require.NoError(t, r.Read())
	}
	player.Close()
	<-played
	require.NoError(t, publisher.Close())
}
