package web_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/server"
)

// A viewer that is too slow misses pictures up to a key frame, and costs the others nothing.
func TestSlowViewerGoesOnAtAKeyFrame(t *testing.T) {
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Backlog: 512 << 10, Linger: -1}}}}, "")
	p, err := s.server.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	video := &media.Track{Codec: media.H264, ParameterSets: [][]byte{
		{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x6a, 0x02, 0x0c, 0x02, 0x0c, 0x80, 0, 0, 3, 0, 0x80, 0, 0, 0x1e, 0x47, 0x8b, 0x17, 0x24},
		{0x68, 0xcb, 0x83, 0xcb, 0x20}}}
	w := media.NewWriter(p, video)
	pictures := 0
	write := func() {
		nalu := make([]byte, 20<<10)
		if nalu[0] = 0x41; pictures%10 == 0 {
			nalu[0] = 0x65
		}
		binary.BigEndian.PutUint32(nalu[1:], uint32(pictures))
		at := time.Duration(pictures) * 40 * time.Millisecond
		require.NoError(t, w.WriteH264(video, at, at, [][]byte{nalu}))
		pictures++
	}
	write()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get(s.url + "/fmp4/live/x.mp4") // one picture is enough for the beginning of an answer
	require.NoError(t, err)
	defer res.Body.Close()
	for end := time.Now().Add(patience); s.server.Stats().Dropped == 0; write() {
		require.True(t, time.Now().Before(end), "the viewer isn't slow")
	}
	for range 25 {
		write()
	}
	require.NoError(t, p.Close())
	file, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var parts fmp4.Parts
	require.NoError(t, parts.Unmarshal(file[bytes.Index(file, []byte("moof"))-4:]))
	next, missed := 0, 0
	for _, part := range parts {
		track := part.Tracks[0]
		assert.EqualValues(t, number(track.Samples[0])*40*90, track.BaseTime, "at its time")
		for _, sample := range track.Samples {
			if n := number(sample); n != next {
				assert.Zero(t, n%10, "picture %d after %d", n, next-1)
				assert.False(t, sample.IsNonSyncSample)
				missed += n - next
				next = n
			}
			next++
		}
	}
	assert.Positive(t, missed)
	assert.Equal(t, pictures, next, "the last one has come")
}

// number is which picture a sample is.
func number(s *fmp4.Sample) int { return int(binary.BigEndian.Uint32(s.Payload[5:])) } // after the length and the NAL unit's header
