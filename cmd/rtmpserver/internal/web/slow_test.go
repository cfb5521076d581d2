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

	"github.com/go-librtmp/rtmp/server"
)

// TestSlowViewerGoesOnAtAKeyFrame checks that a viewer that is too slow continues at a key frame, and does not delay the other viewers.
func TestSlowViewerGoesOnAtAKeyFrame(t *testing.T) {
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Backlog: 512 << 10, Linger: -1}}}}, "")
	p, err := s.server.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	w := newPictures(t, p, 20<<10)
	w.write(1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get(s.url + "/fmp4/live/x.mp4") // the response begins after one picture
	require.NoError(t, err)
	defer res.Body.Close()
	for end := time.Now().Add(patience); s.server.Stats().Dropped == 0; w.write(1) {
		require.True(t, time.Now().Before(end), "the viewer isn't slow")
	}
	w.write(25)
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
	assert.Equal(t, w.n, next, "the last one has come")
}

// number returns the number of the picture in a sample.
func number(s *fmp4.Sample) int { return int(binary.BigEndian.Uint32(s.Payload[5:])) } // after the NAL unit's length and header
