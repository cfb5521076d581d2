package interop

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/encoded"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/media"
)

// encoderPipe runs ffmpeg as an encoder, and passes its standard output to read and to a file.
func encoderPipe(t *testing.T, file string, read func(r io.Reader), args ...string) {
	t.Helper()
	cmd := exec.CommandContext(conntest.Context(t), "ffmpeg", append(append([]string{"-v", "error", "-f", "lavfi", "-i"}, args...), "-")...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var warnings, written bytes.Buffer
	cmd.Stderr = &warnings
	require.NoError(t, cmd.Start())
	read(io.TeeReader(out, &written))
	require.NoError(t, cmd.Wait())
	require.Empty(t, warnings.String())
	require.NoError(t, os.WriteFile(file, written.Bytes(), 0o644))
}

// packetsOf returns the packets into which ffmpeg divides a raw file.
func packetsOf(t *testing.T, file string) (packets [][]byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var probed struct{ Packets []struct{ Pos, Size string } }
	out := programtest.Run(t, "ffprobe", "-v", "error", "-show_entries", "packet=pos,size", "-of", "json", file)
	require.NoError(t, json.Unmarshal([]byte(out), &probed))
	for _, p := range probed.Packets {
		pos, err := strconv.Atoi(p.Pos)
		require.NoError(t, err)
		size, err := strconv.Atoi(p.Size)
		require.NoError(t, err)
		packets = append(packets, content[pos:pos+size])
	}
	require.NotEmpty(t, packets)
	return packets
}

// TestMediaPipes divides the output of ffmpeg's encoders into units, and compares these with the packets of ffmpeg's parsers.
func TestMediaPipes(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	x264 := []string{encoded.Pictures, "-c:v", "libx264", "-bf", "2", "-g", "20", "-f", "h264"}
	x265 := []string{encoded.Pictures, "-c:v", "libx265", "-f", "hevc", "-x265-params"}
	for _, c := range []struct {
		name     string
		codec    media.Codec
		pictures int
		encoder  []string
	}{
		{"H.264", media.H264, 50, x264},
		{"H.264 with delimiters", media.H264, 50, append(x264[:len(x264):len(x264)], "-x264-params", "aud=1")},
		{"H.264 with slices", media.H264, 50, append(x264[:len(x264):len(x264)], "-x264-params", "slices=4")},
		{"H.264 with slices and delimiters", media.H264, 50, append(x264[:len(x264):len(x264)], "-x264-params", "slices=4:aud=1")},
		{"H.264 without latency", media.H264, 50, append(x264[:len(x264):len(x264)], "-tune", "zerolatency", "-x264-params", "intra-refresh=1")},
		{"H.264 with tiny pictures", media.H264, 50, append([]string{"testsrc2=s=16x16:r=25:d=2"}, x264[1:]...)},
		{"H.265", media.H265, 50, append(x265[:len(x265):len(x265)], "log-level=none")},
		{"H.265 with delimiters", media.H265, 50, append(x265[:len(x265):len(x265)], "log-level=none:aud=1:hrd=1:vbv-maxrate=500:vbv-bufsize=500")},
		{"H.265 with slices", media.H265, 50, append(x265[:len(x265):len(x265)], "log-level=none:slices=3:repeat-headers=1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pipe")
			var units [][]byte
			encoderPipe(t, file, func(r io.Reader) {
				s := media.NewAccessUnitScanner(r, c.codec)
				for s.Scan() {
					units = append(units, media.AppendAnnexB(nil, s.Unit()))
				}
				require.NoError(t, s.Err())
			}, c.encoder...)
			require.Len(t, units, c.pictures)
			packets := packetsOf(t, file)
			require.Len(t, packets, len(units))
			for i, p := range packets {
				nalus, err := media.SplitAnnexB(nil, p)
				require.NoError(t, err)
				require.Equal(t, media.AppendAnnexB(nil, nalus), units[i], "unit %d", i)
			}
		})
	}
	t.Run("AAC", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "pipe")
		var frames [][]byte
		encoderPipe(t, file, func(r io.Reader) {
			s := media.NewADTSScanner(r)
			for s.Scan() {
				assert.Equal(t, 48000, s.Config().SampleRate)
				frame, err := media.AppendADTS(nil, s.Config(), s.Frame())
				require.NoError(t, err)
				frames = append(frames, frame)
			}
			require.NoError(t, s.Err())
		}, encoded.Tone, "-c:a", "aac", "-f", "adts")
		packets := packetsOf(t, file)
		require.Len(t, frames, len(packets))
		for i, p := range packets {
			_, want, _, err := media.ParseADTS(p)
			require.NoError(t, err)
			require.Equal(t, want, frames[i][7:])
		}
	})
}
