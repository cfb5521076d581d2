package download

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestResumeRandomFiles continues files of other formats and files damaged at random. Nothing may panic, Complete requires the right bytes,
// and after ErrNoMatch the file must be unchanged.
func TestResumeRandomFiles(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	n, complete, refused := 0, 0, 0
	step := 3
	if long() {
		step = 1
	}
	for i := 0; i < 250; i += step {
		path := filepath.Join(t.TempDir(), "f.flv")
		b := bytes.Clone(testserver.Sample[:(i*7919)%len(testserver.Sample)])
		switch i % 4 {
		case 1:
			for k := range 20 {
				if len(b) > 13 {
					b[13+(i*31+k*977)%(len(b)-13)] ^= byte(1 << (k % 8))
				}
			}
		case 2:
			b = append(b, bytes.Repeat([]byte{0xff}, i)...)
		case 3:
			if len(b) > 2000 {
				b = append(b[:1000], b[1500:]...)
			}
		}
		require.NoError(t, os.WriteFile(path, b, 0o666))
		result, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true})
		got, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		n++
		if err != nil {
			refused++
			continue
		}
		complete++
		if i%4 != 1 && i%4 != 3 {
			assert.True(t, bytes.Equal(testserver.Sample, got), "%d: %d bytes of %d: %+v", i, len(got), len(testserver.Sample), result)
		}
	}
	t.Logf("%d files, %d complete, %d refused", n, complete, refused)
}
