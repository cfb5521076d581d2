package download

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestNothingInCommon checks that another recording at the same URL is not joined to the file, however the server begins to play.
func TestNothingInCommon(t *testing.T) {
	all := sample(t)
	other := reencoded(all)
	for server, play := range servers {
		for _, n := range []int{4, 70, 140, 300, 420, 600} {
			sessions := 0
			before := rtmptest.File(all[:n]...)
			got, result, err := continued(t, before, Options{Recover: impatient()}, func(from time.Duration) ([]flv.Tag, error) {
				if sessions++; from == 0 {
					return other, io.EOF
				}
				return play(other, from), io.EOF
			})
			assert.ErrorIs(t, err, ErrNoMatch, "%s, %d", server, n)
			assert.NotEqual(t, Complete, result.Outcome)
			assert.True(t, bytes.Equal(before, got), "%s, %d", server, n)
			assert.LessOrEqual(t, sessions, 4, "%s, %d", server, n)
		}
	}
}

// TestCutIsReplacedFirst checks a stream that matches the file at first and then differs. It must replace the rest of the file, but only
// when as much has arrived.
func TestCutIsReplacedFirst(t *testing.T) {
	all := recording(120, 1000)
	other := append(append([]flv.Tag{}, all[:20]...), reencoded(all)[20:]...)
	before := rtmptest.File(all[:len(all)-100]...)
	for _, n := range []int{25, 1000, len(all) - 200, len(all)} {
		for _, end := range []error{io.EOF, io.ErrUnexpectedEOF} {
			got, result, err := continued(t, before, Options{}, func(time.Duration) ([]flv.Tag, error) { return other[:n], end })
			assert.GreaterOrEqual(t, len(got), len(before), "%d tags, %v: %v, %+v", n, end, err, result)
			if n < len(all) {
				assert.Error(t, err)
				assert.True(t, bytes.Equal(before, got), "%d tags, %v", n, end)
			} else {
				assert.True(t, bytes.Equal(rtmptest.File(other...), got))
			}
		}
	}
}

// TestContinueShortSound checks that a few matching audio frames are enough if the file contains no other frames.
func TestContinueShortSound(t *testing.T) {
	all := without(recording(10, 1), isVideo)
	for n := 3; n < 8; n++ {
		got, _, err := continued(t, rtmptest.File(all[:n]...), Options{}, func(time.Duration) ([]flv.Tag, error) { return all, io.EOF })
		require.NoError(t, err)
		assert.True(t, bytes.Equal(rtmptest.File(all...), got))
	}
}

// TestHeldTagsAreBounded checks that the memory of held tags is bounded, including what they need besides their bodies.
func TestHeldTagsAreBounded(t *testing.T) {
	tl, err := scan(bytes.NewReader(rtmptest.File(sample(t)...)), 0)
	require.NoError(t, err)
	s := newSplice(tl, 0, false)
	tag := flv.Tag{Type: flv.TagAudio, Body: []byte{0xaf, 1, 1}}
	s.bytes = maxHeld - 1000*94
	for n := 0; err == nil; n++ {
		_, err = s.add(tag)
		require.LessOrEqual(t, n, 1000)
	}
	assert.ErrorIs(t, err, ErrNoMatch)
}

// TestResumeShortForeignFile checks that a file shorter than a header is not an FLV file, unless it is the beginning of a header.
func TestResumeShortForeignFile(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	path := filepath.Join(t.TempDir(), "out.flv")
	for n := 1; n <= 8; n++ {
		for _, before := range []string{"password: 1234"[:n], "FLV\x02\x05\x00\x00\x00"[:max(n, 4)], "FLV\x01\x05\x00\x00\xff"} {
			require.NoError(t, os.WriteFile(path, []byte(before), 0o600))
			_, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true})
			assert.ErrorIs(t, err, ErrNotFLV, "%q", before)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, before, string(got))
		}
		require.NoError(t, os.WriteFile(path, testserver.Sample[:n], 0o600))
		_, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true})
		assert.NoError(t, err, "%d bytes of a header", n)
	}
}

// TestReplacedWhenTheStreamBegins checks that an existing file is replaced only after the stream has begun.
func TestReplacedWhenTheStreamBegins(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	dies := rtmptest.Server(t, testserver.Config{Fault: cutAt(3500)})
	path := filepath.Join(t.TempDir(), "out.flv")
	for _, url := range []string{s.URL("vod", "nosuch"), "rtmp://127.0.0.1:1/a/b", dies.URL("vod", "sample")} {
		require.NoError(t, os.WriteFile(path, []byte("the previous content"), 0o600))
		_, err := File(conntest.Context(t), url, path, nil)
		require.Error(t, err)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, "the previous content", string(got), url)
	}
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("old"), len(testserver.Sample)), 0o600))
	result, err := File(conntest.Context(t), s.URL("vod", "sample"), path, nil)
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(testserver.Sample, got))
	assert.EqualValues(t, len(got), result.Size)
}

func cutAt(n int64) func(int) testserver.Fault {
	return func(int) testserver.Fault { return testserver.Fault{Action: testserver.Cut, At: n} }
}

// TestSync checks that with Options.Sync the file is flushed to disk after a continuation has begun, and at the end.
func TestSync(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	path := filepath.Join(t.TempDir(), "out.flv")
	for before, want := range map[int]int{0: 1, 100_000: 2} {
		require.NoError(t, os.WriteFile(path, testserver.Sample[:before], 0o600))
		d, err := newDownload(s.URL("vod", "sample"), &Options{Resume: true, Sync: true})
		require.NoError(t, err)
		d.out, err = resumeOutput(path, 0)
		require.NoError(t, err)
		var sizes []int64
		d.out.sync = func(f *os.File) error {
			info, err := f.Stat()
			sizes = append(sizes, info.Size())
			return err
		}
		_, err = d.run(conntest.Context(t))
		require.NoError(t, err)
		assert.Len(t, sizes, want)
		assert.EqualValues(t, len(testserver.Sample), sizes[len(sizes)-1])
	}
	_, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Sync: true})
	assert.NoError(t, err)
}

// TestMoreThanTheServerHas checks that if the file ends with tags that are missing on the server, these tags are cut off after the server
// has played its whole recording.
func TestMoreThanTheServerHas(t *testing.T) {
	all := sample(t)
	mark := flv.Tag{Type: flv.TagVideo, Timestamp: 9960, Body: []byte{0x17, 2, 0, 0, 0}} // time of the last picture
	got, result, err := continued(t, rtmptest.File(append(all[:len(all):len(all)], mark)...), Options{}, func(from time.Duration) ([]flv.Tag, error) {
		return servers["absolute"](all, from), io.EOF
	})
	require.NoError(t, err, "%+v", result)
	assert.True(t, bytes.Equal(rtmptest.File(all...), got))
}
