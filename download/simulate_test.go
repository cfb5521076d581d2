package download

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// fakePlayer plays tags and then returns err. io.EOF means that the server has ended the stream.
type fakePlayer struct {
	tags []flv.Tag
	err  error
}

func (p *fakePlayer) play(ctx context.Context, w io.Writer) error {
	var b []byte
	for _, tag := range p.tags {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b = flv.AppendTag(b[:0], tag)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	if p.err == io.EOF {
		return nil
	}
	return p.err
}

func (p *fakePlayer) damaged() uint64 { return 0 }
func (p *fakePlayer) paused() bool    { return false }
func (p *fakePlayer) close()          {}

// sample returns the tags of the sample (metadata, two configurations and media) without the end of sequence, which not all servers repeat.
func sample(t *testing.T) []flv.Tag {
	all := rtmptest.SampleTags(t)
	return all[:len(all)-1]
}

const headers = 3 // number of tags before the first media tag of the sample

// seek returns the index of a key frame. If n is 0, it is the last key frame that is not after from; if n is 1, the next key frame; and if n
// is -1, the previous one.
func seek(all []flv.Tag, from time.Duration, n int) int {
	var keys []int
	at := 0
	for i, tag := range all {
		if kindOf(tag) == flv.KindKeyFrame {
			if tag.Timestamp <= uint32(from.Milliseconds()) {
				at = len(keys)
			}
			keys = append(keys, i)
		}
	}
	if at += n; at >= len(keys) {
		return len(all)
	}
	if from == 0 && at <= 0 {
		return headers
	}
	return keys[max(0, at)]
}

// playFrom returns the tags that a server sends from an index on: the headers, and then media whose timestamps count from zero or from the
// beginning of the stream.
func playFrom(all []flv.Tag, index int, relative bool) []flv.Tag {
	base := uint32(0)
	if index < len(all) {
		base = all[index].Timestamp
	}
	sent := slices.Clone(all[:headers])
	for i := range sent {
		sent[i].Timestamp = base
	}
	sent = append(sent, all[index:]...)
	if relative {
		for i := range sent {
			sent[i].Timestamp -= base
		}
	}
	return sent
}

// servers contains the ways in which servers begin to play in the middle of a recording.
var servers = map[string]func(all []flv.Tag, from time.Duration) []flv.Tag{
	"absolute": func(all []flv.Tag, from time.Duration) []flv.Tag { return playFrom(all, seek(all, from, 0), false) },
	"relative": func(all []flv.Tag, from time.Duration) []flv.Tag { return playFrom(all, seek(all, from, 0), true) },
	"relative, rounded": func(all []flv.Tag, from time.Duration) []flv.Tag {
		sent := playFrom(all, seek(all, from, 0), true)
		for i := range sent {
			sent[i].Timestamp += uint32(i % 2 * 3)
		}
		return sent
	},
	"from the beginning": func(all []flv.Tag, from time.Duration) []flv.Tag { return all },
	"the key frame before": func(all []flv.Tag, from time.Duration) []flv.Tag {
		return playFrom(all, seek(all, from, -1), false)
	},
	"the key frame before, relative": func(all []flv.Tag, from time.Duration) []flv.Tag {
		return playFrom(all, seek(all, from, -1), true)
	},
	"the key frame after": func(all []flv.Tag, from time.Duration) []flv.Tag {
		return playFrom(all, seek(all, from, 1), false)
	},
	"without headers": func(all []flv.Tag, from time.Duration) []flv.Tag { return all[seek(all, from, 0):] },
	"headers twice": func(all []flv.Tag, from time.Duration) []flv.Tag {
		sent := playFrom(all, seek(all, from, 0), false)
		return append(slices.Clone(sent[:headers]), sent...)
	},
	"sound from before": func(all []flv.Tag, from time.Duration) []flv.Tag {
		index := seek(all, from, 0)
		var sent []flv.Tag
		for _, tag := range all[max(headers, index-10):index] {
			if tag.Type == flv.TagAudio {
				sent = append(sent, tag)
			}
		}
		return append(sent, all[index:]...)
	},
	"sound begins later": func(all []flv.Tag, from time.Duration) []flv.Tag {
		index := seek(all, from, 0)
		return append(slices.DeleteFunc(slices.Clone(all[index:min(len(all), index+9)]), func(tag flv.Tag) bool {
			return tag.Type == flv.TagAudio
		}), all[min(len(all), index+9):]...)
	},
}

// damages contains the ways in which a file may be damaged after its good part.
var damages = map[string]func(good []byte, next []flv.Tag) []byte{
	"none":                 func(good []byte, _ []flv.Tag) []byte { return good },
	"zeros":                func(good []byte, _ []flv.Tag) []byte { return append(good, make([]byte, 5000)...) },
	"text":                 func(good []byte, _ []flv.Tag) []byte { return append(good, "connection closed by remote host\n"...) },
	"another file":         func(good []byte, _ []flv.Tag) []byte { return append(good, testserver.Sample[:13]...) },
	"half a tag":           func(good []byte, next []flv.Tag) []byte { return append(good, flv.AppendTag(nil, next[0])[:20]...) },
	"no previous tag size": func(good []byte, next []flv.Tag) []byte { b := flv.AppendTag(good, next[0]); return b[:len(b)-4] },
	"half a tag, zeros": func(good []byte, next []flv.Tag) []byte {
		return append(append(good, flv.AppendTag(nil, next[0])[:20]...), make([]byte, 100_000)...)
	},
	"a damaged tag": func(good []byte, next []flv.Tag) []byte {
		tag := next[0]
		tag.Body = bytes.Clone(tag.Body)
		tag.Body[len(tag.Body)/2] ^= 0x55
		return flv.AppendTag(flv.AppendTag(good, tag), next[1])
	},
	"a damaged time": func(good []byte, next []flv.Tag) []byte {
		tag := next[0]
		tag.Timestamp += 1 << 30
		return flv.AppendTag(good, tag)
	},
	"random": func(good []byte, _ []flv.Tag) []byte {
		random := rand.New(rand.NewPCG(9, 9))
		for range 3000 {
			good = append(good, byte(random.Uint32()))
		}
		return good
	},
}

func continued(t *testing.T, file []byte, o Options, play func(from time.Duration) ([]flv.Tag, error)) ([]byte, Result, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.flv")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	o.Resume = true
	d, err := newDownload("rtmp://h/a/b", &o)
	require.NoError(t, err)
	if d.out, err = resumeOutput(path, d.o.SkipKeyFrames); err != nil {
		return file, Result{}, err
	}
	d.open = func(_ context.Context, from time.Duration) (player, error) {
		list, err := play(from)
		return &fakePlayer{list, err}, nil
	}
	result, err := d.run(conntest.Context(t))
	after, readErr := os.ReadFile(path)
	require.NoError(t, readErr)
	return after, result, err
}

func tracks(t *testing.T, file []byte) (audio, video []flv.Tag) {
	return byTrack(rtmptest.Tags(t, file))
}

func byTrack(tags []flv.Tag) (audio, video []flv.Tag) {
	for _, tag := range tags {
		switch tag.Type {
		case flv.TagAudio:
			audio = append(audio, tag)
		case flv.TagVideo:
			video = append(video, tag)
		}
	}
	return audio, video
}

func TestEveryServerAndDamage(t *testing.T) {
	all := sample(t)
	want := rtmptest.File(all...)
	wantAudio, wantVideo := byTrack(all)
	lengths := []int{1, 4, 277} // tags in the file
	if long() {
		lengths = append(lengths, 140, 600)
	}
	for server, play := range servers {
		for damage, damaged := range damages {
			for _, n := range lengths {
				if damage == "a damaged tag" && n < headers {
					continue // a damaged configuration stays in the file, followed by the right one
				}
				if damage == "a damaged tag" && server == "sound begins later" {
					continue // damage in tags that the server does not repeat can't be detected
				}
				file := damaged(rtmptest.File(all[:n]...), all[n:])
				got, result, err := continued(t, file, Options{}, func(from time.Duration) ([]flv.Tag, error) {
					if from == 0 {
						return all, io.EOF
					}
					return play(all, from), io.EOF
				})
				require.NoError(t, err, "%s, %s, %d tags", server, damage, n)
				if server == "relative, rounded" {
					requireNear(t, want, got, "%s, %s, %d tags: %+v", server, damage, n, result)
					continue
				}
				if server == "absolute" || server == "relative" {
					require.True(t, bytes.Equal(want, got), "%s, %s, %d tags: %+v", server, damage, n, result)
					continue
				}
				gotAudio, gotVideo := tracks(t, got)
				require.True(t, slices.EqualFunc(wantAudio, gotAudio, sameTag), "sound: %s, %s, %d tags: %+v", server, damage, n, result)
				require.True(t, slices.EqualFunc(wantVideo, gotVideo, sameTag), "pictures: %s, %s, %d tags: %+v", server, damage, n, result)
			}
		}
	}
}

func sameTag(a, b flv.Tag) bool {
	return a.Type == b.Type && a.Timestamp == b.Timestamp && a.Filtered == b.Filtered && bytes.Equal(a.Body, b.Body)
}

func requireNear(t *testing.T, want, got []byte, format string, args ...any) {
	t.Helper()
	a, b := rtmptest.Tags(t, want), rtmptest.Tags(t, got)
	require.Equal(t, len(a), len(b), append([]any{format}, args...)...)
	for i := range a {
		require.True(t, bytes.Equal(a[i].Body, b[i].Body), append([]any{format}, args...)...)
		require.True(t, nearlyEqual(a[i].Timestamp, b[i].Timestamp), append([]any{format}, args...)...)
	}
}

// TestFailedAttemptChangesNothing checks that the file stays unchanged if the server hangs up before it has reached the end of the file.
func TestFailedAttemptChangesNothing(t *testing.T) {
	all := sample(t)
	for damage, damaged := range damages {
		file := damaged(rtmptest.File(all[:300]...), all[300:])
		for _, n := range []int{0, 1, 5, 15} {
			got, result, err := continued(t, file, Options{}, func(from time.Duration) ([]flv.Tag, error) {
				return playFrom(all, seek(all, from, 0), false)[:n], io.ErrUnexpectedEOF
			})
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			want := ClosedEarly
			if n == 0 {
				want = NotStarted
			}
			assert.Equal(t, want, result.Outcome)
			assert.True(t, bytes.Equal(file, got), "%s, %d", damage, n)
		}
	}
}
