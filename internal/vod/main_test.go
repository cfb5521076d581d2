package vod

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/flv"
)

// Mutation testing (see CONTRIBUTING.md) finds these changes that no test notices, since they do not affect results:
//   - build.go: accepting a list of key frames whose numbers fit no file, or with two key frames of the same time.
//   - end.go: finding the end of a file with the last tags or with all tags, and including equality in a comparison of times.
//   - index.go: checking the context at other intervals.
//   - output.go: treating an empty file as if it had the beginning of a header.
//   - piece.go: reading a tag header at the end of a piece again.

func TestMain(m *testing.M) {
	if job := os.Getenv(jobVariable); job != "" {
		runJob(job)
		return
	}
	goleak.VerifyTestMain(m)
}

// sampleFile contains ten seconds of H.264 and AAC, with a key frame every two
// seconds.
const sampleFile = "../testserver/sample.flv"

// videoTag returns a video tag. The functions below also make tags for test files.
func videoTag(at uint32, body ...byte) flv.Tag {
	return flv.Tag{Type: flv.TagVideo, Timestamp: at, Body: body}
}
func audioTag(at uint32, body ...byte) flv.Tag {
	return flv.Tag{Type: flv.TagAudio, Timestamp: at, Body: body}
}

func key(at uint32) flv.Tag   { return videoTag(at, 0x17, 1, 0, 0, 0, 'k') }
func inter(at uint32) flv.Tag { return videoTag(at, 0x27, 1, 0, 0, 0, 'i') }
func avc(n byte) flv.Tag      { return videoTag(0, 0x17, 0, 0, 0, 0, n) }
func sound(at uint32) flv.Tag { return audioTag(at, 0xaf, 1, 's') }
func aac(n byte) flv.Tag      { return audioTag(0, 0xaf, 0, n) }
func big(at uint32, size int) flv.Tag {
	body := bytes.Repeat([]byte{byte(size)}, size)
	copy(body, []byte{0x27, 1, 0, 0, 0})
	return videoTag(at, body...)
}

func script(t testing.TB, name string, values ...any) flv.Tag {
	t.Helper()
	body, err := flv.AppendScript(nil, name, values...)
	require.NoError(t, err)
	return flv.Tag{Type: flv.TagScript, Body: body}
}

// fileOf returns an FLV file with the given tags.
func fileOf(tags ...flv.Tag) []byte {
	b := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, t := range tags {
		b = flv.AppendTag(b, t)
	}
	return b
}

// tagsOf returns the tags of an FLV file, which must be whole.
func tagsOf(t testing.TB, file []byte) (tags []flv.Tag) {
	t.Helper()
	r := flv.NewReader(bytes.NewReader(file))
	var tag flv.Tag
	for {
		err := r.Next(&tag)
		if err == io.EOF {
			require.Zero(t, r.WrongPreviousTagSizes())
			return tags
		}
		require.NoError(t, err)
		tags = append(tags, clone(tag))
	}
}

func clone(t flv.Tag) flv.Tag {
	t.Body = append([]byte{}, t.Body...)
	return t
}

// newFolder returns a folder with files, and its path.
func newFolder(t testing.TB, files map[string][]byte) (*Folder, string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, content, 0o644))
	}
	f, err := OpenFolder(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f, dir
}

// play opens a file, which is played as fast as possible unless o says otherwise.
func play(t testing.TB, f *Folder, name string, o PlayOptions) *Player {
	t.Helper()
	p, err := f.Play(context.Background(), name, o)
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

var all = PlayOptions{Length: -1, AsFast: true}

// next calls Fill once, and returns the tags of the calls of Next after it.
func next(t testing.TB, p *Player) (tags []flv.Tag, wait time.Duration, err error) {
	t.Helper()
	wait, err = p.Fill()
	if wait > 0 || err != nil {
		require.False(t, p.Next(new(Tag)))
		return nil, wait, err
	}
	var tag Tag
	for p.Next(&tag) {
		require.Equal(t, len(tag.Frame), FrameRoom+len(tag.Body))
		require.Equal(t, tag.Body, tag.Frame[FrameRoom:])
		tags = append(tags, clone(tag.Tag))
	}
	return tags, 0, nil
}

// drain returns the tags up to the end, and the error at the end.
func drain(t testing.TB, p *Player) (tags []flv.Tag, err error) {
	t.Helper()
	for {
		more, wait, err := next(t, p)
		if err != nil {
			return tags, err
		}
		require.Zero(t, wait)
		tags = append(tags, more...)
	}
}
