package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/media"
)

func TestEncode(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	server, err := testserver.Start(testserver.Config{})
	require.NoError(t, err)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := rtmp.Dial(ctx, server.URL("live", "key"), &rtmp.Options{Live: true})
	require.NoError(t, err)
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	require.NoError(t, err)
	defer stream.Bind(ctx)()
	encoding, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- run(encoding, server.URL("live", "key"), nil) }()
	r := media.NewReader(stream)
	for pictures, sound := 0, 0; pictures < 20 || sound < 20; {
		var u media.Unit
		require.NoError(t, r.Read(&u))
		switch u.Track.Codec {
		case media.H264:
			require.Equal(t, [2]int{640, 360}, [2]int{u.Track.Width, u.Track.Height})
			pictures++
		case media.AAC:
			require.Equal(t, [2]int{48000, 2}, [2]int{u.Track.SampleRate, u.Track.Channels})
			sound++
		}
	}
	stop()
	<-ended // ffmpeg was killed, so its error does not matter
}

// TestBadURL checks that the program ends if it can never publish.
func TestBadURL(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.ErrorContains(t, run(ctx, "http://127.0.0.1/", nil), "unknown scheme")
	require.NoError(t, ctx.Err())
}
