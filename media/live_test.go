package media_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/media"
)

// TestLive publishes the output of an encoder, H.264 and AAC, with the same pictures as a second track of Enhanced RTMP. It compares the
// output with what a player reads.
func TestLive(t *testing.T) {
	server := newServer()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	url := server.URL("live", "camera")
	open := func(options *rtmp.StreamOptions) (*rtmp.Conn, *rtmp.Stream) {
		conn, err := rtmp.Dial(ctx, url, &rtmp.Options{Live: true, Publish: options != nil, BackgroundRead: true})
		require.NoError(t, err)
		stream, err := conn.CreateStream(ctx, options)
		require.NoError(t, err)
		return conn, stream
	}
	player, in := open(nil) // the player starts before the stream is published
	defer player.Close()
	publisher, out := open(&rtmp.StreamOptions{Writable: true})
	defer publisher.Close()

	video, audio, second := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, SampleRate: 44100, Channels: 2}, &media.Track{Codec: media.H264}
	w := media.NewWriter(out, video, audio, second)
	encoded := newEncoder()
	for _, e := range encoded {
		if !e.picture {
			_, frame, _, err := media.ParseADTS(e.data)
			require.NoError(t, err)
			require.NoError(t, w.WriteMPEG4Audio(audio, e.pts, frame))
			continue
		}
		nalus, err := media.SplitAnnexB(nil, e.data)
		require.NoError(t, err)
		require.NoError(t, w.WriteH264(video, e.pts, e.dts, nalus))
		require.NoError(t, w.WriteH264(second, e.pts, e.dts, nalus))
	}
	require.NoError(t, w.Close())
	require.NoError(t, out.Close())

	r := media.NewReader(in)
	tracks, err := r.Tracks(ctx)
	require.NoError(t, err)
	require.Len(t, tracks, 3)
	next := func() *media.Unit {
		var u media.Unit
		require.NoError(t, r.Read(&u))
		return &u
	}
	for _, e := range encoded {
		u := next()
		require.Equal(t, [2]time.Duration{e.pts, e.dts}, [2]time.Duration{u.PTS, u.DTS})
		if !e.picture {
			_, frame, _, err := media.ParseADTS(e.data)
			require.NoError(t, err)
			require.Equal(t, frame, u.Parts[0])
			continue
		}
		require.Equal(t, e.data, media.AppendAnnexB(nil, u.Parts))
		u = next()
		require.Equal(t, uint8(1), u.Track.ID)
		require.Equal(t, e.data, media.AppendAnnexB(nil, u.Parts))
	}
	require.Equal(t, io.EOF, r.Read(new(media.Unit)))
}
