package bench

import (
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/encoded"
	"github.com/go-librtmp/rtmp/media"
)

// TestEncodedUnits publishes the output of ffmpeg's encoders with media.Writer, and compares it with what gortmplib reads. Then it does
// the reverse: gortmplib writes and media.Reader reads.
func TestEncodedUnits(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	for _, c := range encoded.Codecs {
		if c.Codec == media.EAC3 { // gortmplib 1.0.0 does not support it
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			track, made, err := c.Make(testContext(t), filepath.Join(t.TempDir(), "source.mp4"))
			require.NoError(t, err)
			for _, u := range made { // gortmplib's reader begins after two seconds
				u.PTS, u.DTS = u.PTS+2100*time.Millisecond, u.DTS+2100*time.Millisecond
				made = append(made, u)
			}
			want := stream{}
			for _, u := range made {
				begin := min(made[0].DTS, 0)
				want.units = append(want.units, unit{pts: (u.PTS - begin).Round(time.Millisecond), dts: (u.DTS - begin).Round(time.Millisecond),
					data: asGortmplib(t, &media.Unit{Track: track, Parts: u.Parts})})
			}

			var got []unit
			url, done := gortmplibServer(t, "rtmp", func(sc *gortmplib.ServerConn) (err error) {
				want.tracks, got, err = readUnits(sc)
				return err
			})
			conn, s := open(t, url, true)
			w := media.NewWriter(s, track)
			for i := range made {
				require.NoError(t, made[i].Write(w, track))
			}
			require.NoError(t, conn.Close())
			require.NoError(t, <-done)
			expected := slices.Clone(want.units)
			switch c.Codec {
			case media.H264:
				got = got[1:] // the configuration
			case media.AV1: // without a delimiter, as in MP4: the callback in this test removes the first OBU
				for i := range expected {
					expected[i].data = expected[i].data[1:]
				}
			}
			assertEncoded(t, expected, got)
			if c.Codec == media.MP3 || c.Codec == media.FLAC { // gortmplib 1.0.0 writes no MP3 of 48 kHz, and misreads FLAC's configuration
				return
			}

			url, done = playedBack(t, "rtmp", want)
			conn, s = open(t, url, false)
			r := media.NewReader(s)
			got = nil
			for u := (media.Unit{}); ; {
				if err = r.Read(&u); err != nil {
					break
				}
				got = append(got, unit{pts: u.PTS, dts: u.DTS, data: asGortmplib(t, &u)})
			}
			conn.Close()
			require.NoError(t, <-done)
			require.Equal(t, io.EOF, err)
			assertEncoded(t, want.units, got)
		})
	}
}

// assertEncoded compares units. Their times were rounded to milliseconds.
func assertEncoded(t *testing.T, want, got []unit) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		assert.InDelta(t, want[i].pts, got[i].pts, float64(2*time.Millisecond), "unit %d", i)
		assert.InDelta(t, want[i].dts, got[i].dts, float64(2*time.Millisecond), "unit %d", i)
		require.Equal(t, want[i].data, got[i].data, "unit %d", i)
	}
}
