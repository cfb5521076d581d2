package interop

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
)

// makeFile makes an FLV file of ten seconds with ffmpeg.
func makeFile(t *testing.T, args ...string) string {
	t.Helper()
	programtest.Need(t, "ffmpeg")
	file := filepath.Join(t.TempDir(), "made.flv")
	all := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=44100"}
	programtest.Run(t, "ffmpeg", append(append(append(all, args...), "-t", "10"), file)...)
	return file
}

// publish publishes a file, at its own speed or as fast as the server accepts it.
func publish(t *testing.T, file, url string, paced bool, o *rtmp.Options) error {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	ctx := conntest.Context(t)
	c, err := rtmp.Dial(ctx, url, o)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return err
	}
	var source io.Reader = f
	if paced {
		source = flv.NewPacedReader(ctx, f, 0)
	}
	if _, err := io.Copy(s, source); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return c.Close()
}

// TestPublishToNginx publishes a file made by ffmpeg while rtmpdump and ffmpeg play it, and checks that nginx-rtmp records exactly that
// file.
func TestPublishToNginx(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump", "ffmpeg")
	for name, args := range map[string][]string{
		"H.264 and AAC": {"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"},
		"H.264 and MP3": {"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-c:a", "libmp3lame"},
		"audio only":    {"-map", "1:a", "-c:a", "aac"},
		"video only":    {"-map", "0:v", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := makeFile(t, args...)
			dir := t.TempDir()
			url := "rtmp://" + programtest.Nginx(t, dir) + "/rec/stream"
			dump := filepath.Join(t.TempDir(), "dump.flv")
			dumped := make(chan error, 1)
			go func() {
				cmd := exec.CommandContext(conntest.Context(t), "rtmpdump", "-q", "-v", "-m", "8", "-r", url, "-o", dump)
				dumped <- cmd.Run()
			}()
			pulled := filepath.Join(t.TempDir(), "pulled.flv")
			ffmpeg := make(chan string, 1)
			go func() {
				cmd := exec.CommandContext(conntest.Context(t), "ffmpeg", "-v", "error", "-analyzeduration", "1000000", "-t", "3", "-i", url, "-c", "copy", pulled)
				out, err := cmd.CombinedOutput() // -t, because ffmpeg does not detect the end either
				ffmpeg <- strings.TrimSpace(string(out)) + errorText(err)
			}()
			require.NoError(t, publish(t, file, url, true, &rtmp.Options{Publish: true}))
			<-dumped // rtmpdump returns an error, since it does not detect the end of a live stream; see TestNginxLive
			assert.Empty(t, <-ffmpeg)

			want := mediaOnly(packets(t, file))
			recorded := filepath.Join(dir, "stream.flv")
			require.Eventually(t, func() bool { // nginx completes the file after the publisher has left
				return len(mediaOnly(packets(t, recorded))) >= len(want)
			}, time.Minute, 100*time.Millisecond)
			assert.Equal(t, want, mediaOnly(packets(t, recorded)))
			for _, file := range []string{dump, pulled} {
				got := contents(packets(t, file))
				assert.Subset(t, contents(packets(t, recorded)), got)
				assert.Greater(t, len(got), 10, "packets since joining, which is late on a busy machine")
			}
		})
	}
}

// contents reduces each packet to its size and MD5. The timestamps cannot be compared, since a player joins at an arbitrary time and its
// timestamps start there.
func contents(lines []string) []string {
	for i, line := range lines {
		fields := strings.Split(line, ",")
		lines[i] = fields[4] + fields[5]
	}
	return lines
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestPublishFiveHours publishes five hours of media time, past 2^24 ms, as fast as possible.
func TestPublishFiveHours(t *testing.T) {
	t.Parallel()
	tags := rtmptest.SampleTags(t)
	const hours5, step = 5 * 3600 * 1000, 10_080
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	var want []uint32
	for shift := uint32(0); shift < hours5; shift += step {
		for i, tag := range tags {
			if i > 3 && i%8 == 0 && tag.Type == flv.TagAudio || shift == 0 { // mostly a little audio, to keep it small
				tag.Timestamp += shift
				file = flv.AppendTag(file, tag)
				want = append(want, tag.Timestamp)
			}
		}
	}
	source := filepath.Join(t.TempDir(), "long.flv")
	require.NoError(t, os.WriteFile(source, file, 0o644))
	dir := t.TempDir()
	require.NoError(t, publish(t, source, "rtmp://"+programtest.Nginx(t, dir)+"/rec/stream", false, nil))
	recorded, err := os.ReadFile(filepath.Join(dir, "stream.flv"))
	require.NoError(t, err)
	var got []uint32
	recordedTags := rtmptest.Tags(t, recorded)
	for _, tag := range recordedTags {
		got = append(got, tag.Timestamp)
	}
	assert.Equal(t, want, got)
}

func TestRefusedByNginx(t *testing.T) {
	dir := t.TempDir()
	url := "rtmp://" + programtest.Nginx(t, dir) + "/rec/stream"
	ctx := conntest.Context(t)
	first, err := rtmp.Dial(ctx, url, nil)
	require.NoError(t, err)
	defer first.Close()
	_, err = first.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	var refused *rtmp.StatusError
	require.ErrorAs(t, publish(t, writeSample(t, dir, "sample.flv", 0), url, false, nil), &refused)
	assert.Equal(t, "NetStream.Publish.BadName", refused.Code)
}
