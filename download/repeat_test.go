package download

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// repeated returns the first ms milliseconds of the sample, repeated several times.
func repeated(t *testing.T, ms uint32, n int) []byte {
	all := sample(t)
	list := all[1:headers:headers]
	for i := range n {
		for _, tag := range all[headers:] {
			if tag.Timestamp < ms {
				tag.Timestamp += uint32(i) * ms
				list = append(list, tag)
			}
		}
	}
	return rtmptest.File(list...)
}

// TestResumeRepetition checks that a stream that repeats itself is continued at the right place.
func TestResumeRepetition(t *testing.T) {
	for _, ms := range []uint32{10_000, 6000, 2000} {
		film := repeated(t, ms, 3)
		s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": film}})
		path := filepath.Join(t.TempDir(), "out.flv")
		for n := flv.FileHeaderSize; n < len(film); n += 7919 {
			require.NoError(t, os.WriteFile(path, film[:n], 0o600))
			result, err := File(conntest.Context(t), s.URL("vod", "film"), path, &Options{Resume: true})
			require.NoError(t, err, "repeated after %d ms, %d bytes of %d", ms, n, len(film))
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(film, got), "repeated after %d ms, %d bytes of %d: %v %+v", ms, n, len(film), &result, result.Splices)
		}
		s.Close()
	}
}

// TestResumeRepeatedPicture resumes recordings in which most pictures repeat themselves, but not the sound, from nginx-rtmp, which plays
// files without an index of key frames from their beginning, and adds the requested position to the timestamps.
func TestResumeRepeatedPicture(t *testing.T) {
	all := recording(30, 2)
	for i, tag := range all[headers:] {
		if kindOf(tag) == flv.KindFrame {
			n := i / 2 % (10 * 25)
			all[headers+i].Body = []byte{0x27, 1, 0, 0, 0, byte(n), byte(n >> 8), 7}
		}
	}
	film := rtmptest.File(all...)
	for n := 400; n <= len(all); n += 11 {
		before := rtmptest.File(all[:n]...)
		got, result, err := continued(t, before, Options{}, func(from time.Duration) ([]flv.Tag, error) {
			sent := slices.Clone(all)
			for i := range sent {
				sent[i].Timestamp += uint32(from.Milliseconds())
			}
			return sent, io.EOF
		})
		require.NoError(t, err, "%d tags", n)
		require.True(t, bytes.Equal(film, got), "%d tags: %v %+v", n, &result, result.Splices)
	}
}
