package vod

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/programtest"
)

// encode makes a file of ten seconds with ffmpeg and returns its path.
func encode(t *testing.T, dir string, options ...string) string {
	t.Helper()
	path := filepath.Join(dir, strconv.Itoa(len(options))+".flv")
	args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25", "-f", "lavfi", "-i", "sine", "-t", "10", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac"}
	programtest.Run(t, "ffmpeg", append(append(args, options...), "-f", "flv", path)...)
	return path
}

// probed is ffprobe's description of a file.
type probed struct {
	Format  struct{ Duration string }
	Packets []struct {
		Codec string `json:"codec_type"`
		Time  string `json:"dts_time"`
		Flags string
	}
}

func ffprobe(t *testing.T, path string) (p probed, duration float64) {
	t.Helper()
	out := programtest.Run(t, "ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_packets", path)
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	duration, err := strconv.ParseFloat(p.Format.Duration, 64)
	require.NoError(t, err)
	return p, duration
}

// TestFilesOfFFmpeg checks that the index has the key frames that ffprobe finds, whether or not the file contains a list of them. It also
// checks that a recording of the file has the same duration.
func TestFilesOfFFmpeg(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	for name, options := range map[string][]string{
		"plain":       nil,
		"with a list": {"-flvflags", "add_keyframe_index"},
		"audio":       {"-vn", "-flvflags", "add_keyframe_index", "-y"},
		"video":       {"-an", "-y", "-bf", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := encode(t, dir, options...)
			p, duration := ffprobe(t, path)
			var want []int64
			for _, packet := range p.Packets {
				if packet.Codec == "video" && strings.HasPrefix(packet.Flags, "K") {
					seconds, err := strconv.ParseFloat(packet.Time, 64)
					require.NoError(t, err)
					want = append(want, int64(seconds*1000+0.5))
				}
			}
			file := readFile(t, path)
			for _, trust := range []bool{false, true} {
				x := indexOf(t, file, trust)
				if want != nil {
					require.Equal(t, want, times(x)[len(x.entries)-len(want):])
					require.LessOrEqual(t, len(x.entries), len(want)+1, "the beginning of the audio")
				} else {
					require.Len(t, x.entries, 10)
				}
				require.Equal(t, int64(len(file)), x.tail.end())
				require.InDelta(t, duration, float64(x.last)/1000, 0.13, "composition times are not in it")
			}

			f, err := OpenFolder(dir)
			require.NoError(t, err)
			defer f.Close()
			tags, _ := drain(t, play(t, f, filepath.Base(path), all))
			record(t, f, dir, "copy.flv", RecordOptions{}, tags...)
			copied, again := ffprobe(t, filepath.Join(dir, "copy.flv"))
			require.InDelta(t, duration, again, 0.05)
			require.Equal(t, p.Packets, copied.Packets)
			decode := []string{"-v", "error", "-xerror", "-i", filepath.Join(dir, "copy.flv"), "-f", "null", "-"}
			require.Empty(t, programtest.Run(t, "ffmpeg", decode...))
			record(t, f, dir, "copy.flv", RecordOptions{Append: true}, tags...)
			_, twice := ffprobe(t, filepath.Join(dir, "copy.flv"))
			require.InDelta(t, 2*duration, twice, 0.2)
			programtest.Run(t, "ffmpeg", decode...) // ffmpeg may print a warning, since the time between the two recordings, 1 ms, is shorter than a frame
		})
	}
}

// TestFFmpegPlays checks that ffmpeg can play the rest of a recording that ends within a tag, and the tags after a Seek.
func TestFFmpegPlays(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	dir := t.TempDir()
	path := encode(t, dir)
	f, err := OpenFolder(dir)
	require.NoError(t, err)
	defer f.Close()
	name := filepath.Base(path)
	tags, _ := drain(t, play(t, f, name, all))

	r, err := f.Record("killed.flv", RecordOptions{})
	require.NoError(t, err)
	for _, tag := range tags[:399] {
		require.NoError(t, r.WriteTag(tag))
	}
	written := readFile(t, filepath.Join(dir, "killed.flv")) // the contents of the file if the process is killed now
	require.NoError(t, r.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cut.flv"), written[:len(written)-10], 0o644))
	p, _ := ffprobe(t, filepath.Join(dir, "cut.flv"))
	require.Greater(t, len(p.Packets), 50)

	player := play(t, f, name, all)
	require.NoError(t, player.Seek(t.Context(), 7e9))
	rest, _ := drain(t, player)
	b := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range rest {
		b = flv.AppendTag(b, tag)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rest.flv"), b, 0o644))
	require.Empty(t, programtest.Run(t, "ffmpeg", "-v", "error", "-xerror", "-i", filepath.Join(dir, "rest.flv"), "-f", "null", "-"))
	p, _ = ffprobe(t, filepath.Join(dir, "rest.flv"))
	require.Equal(t, "6.023000", p.Packets[0].Time)
}
