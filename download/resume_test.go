package download

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestResumeAtEveryByteOfTheLastTags continues a file cut at each byte of its last two tags.
func TestResumeAtEveryByteOfTheLastTags(t *testing.T) {
	for name, keep := range map[string]func(flv.Tag) bool{
		"both":    func(flv.Tag) bool { return true },
		"sound":   func(tag flv.Tag) bool { return tag.Type != flv.TagVideo },
		"picture": func(tag flv.Tag) bool { return tag.Type != flv.TagAudio },
	} {
		t.Run(name, func(t *testing.T) {
			var list []flv.Tag
			for _, tag := range rtmptest.Tags(t, withDuration(t, 10.08)) { // metadata that names no track
				if keep(tag) {
					list = append(list, tag)
				}
			}
			s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"it": rtmptest.File(list...)}})
			url := s.URL("vod", "it")
			want := whole(t, url, nil)
			last := len(list[len(list)-1].Body) + len(list[len(list)-2].Body) + 2*flv.TagOverhead
			path := filepath.Join(t.TempDir(), "cut.flv")
			step := 7
			if long() {
				step = 1
			}
			for n := len(want) - last; n <= len(want); n += step {
				require.NoError(t, os.WriteFile(path, want[:n], 0o600))
				result, err := File(conntest.Context(t), url, path, &Options{Resume: true})
				require.NoError(t, err, "%d bytes", n)
				got, err := os.ReadFile(path)
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got), "%d bytes: %+v", n, result)
			}
		})
	}
}

func TestResumeAnywhere(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	url := s.URL("vod", "sample")
	path := filepath.Join(t.TempDir(), "cut.flv")
	for n := 0; n < len(testserver.Sample); n += 19_973 {
		for _, skip := range []int{0, 1, 2, 100} {
			require.NoError(t, os.WriteFile(path, testserver.Sample[:n], 0o600))
			result, err := File(conntest.Context(t), url, path, &Options{Resume: true, SkipKeyFrames: skip})
			require.NoError(t, err, "%d bytes", n)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(testserver.Sample, got), "%d bytes, skip %d: %+v", n, skip, result)
		}
	}
}

func TestResumeNothing(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	for name, before := range map[string][]byte{
		"no file": nil, "empty": {}, "half a header": testserver.Sample[:7], "a header": testserver.Sample[:13],
		"half a tag": testserver.Sample[:100], "metadata": testserver.Sample[:300], "the first picture": testserver.Sample[:5000],
	} {
		path := filepath.Join(t.TempDir(), "out.flv")
		if before != nil {
			require.NoError(t, os.WriteFile(path, before, 0o600))
		}
		_, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true, SkipKeyFrames: 1})
		require.NoError(t, err, name)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(testserver.Sample, got), name)
	}
}

func TestResumeForeignFile(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	for name, before := range map[string]string{
		"text":               strings.Repeat("dear diary, ", 100),
		"one letter":         "F" + strings.Repeat("x", 40),
		"header, then text":  string(testserver.Sample[:13]) + strings.Repeat("\xff\xfe", 100),
		"header, then zeros": string(testserver.Sample[:13]) + strings.Repeat("\x00", 1000),
	} {
		path := filepath.Join(t.TempDir(), "out.flv")
		require.NoError(t, os.WriteFile(path, []byte(before), 0o600))
		_, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true})
		assert.ErrorIs(t, err, ErrNotFLV, name)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, before, string(got), name)
	}
}

func TestResumeRefused(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	path := filepath.Join(t.TempDir(), "out.flv")
	before := append(bytes.Clone(testserver.Sample[:100_000]), "rest"...)
	for _, url := range []string{s.URL("vod", "nosuch"), "rtmp://127.0.0.1:1/a/b"} {
		require.NoError(t, os.WriteFile(path, before, 0o600))
		_, err := File(conntest.Context(t), url, path, &Options{Resume: true})
		require.Error(t, err)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(before, got))
	}
}

// reencoded returns the same recording with a different body in every tag.
func reencoded(all []flv.Tag) []flv.Tag {
	var list []flv.Tag
	for i, tag := range all {
		tag.Body = bytes.Clone(tag.Body)
		if i >= headers {
			tag.Body[len(tag.Body)-1] ^= 0xff
		}
		list = append(list, tag)
	}
	return list
}

func joinedLive(t *testing.T, file []byte, sent func(from time.Duration) []flv.Tag) ([]byte, plan) {
	t.Helper()
	tl, err := scan(bytes.NewReader(file), 0)
	require.NoError(t, err)
	at, ok := tl.resumePoint(0)
	if !ok {
		at = tl.first.time
	}
	s := newSplice(tl, at, true)
	list := sent(ms(at))
	n, ready := 0, false
	for ; n < len(list) && !ready; n++ {
		ready, err = s.add(list[n])
		require.NoError(t, err)
	}
	p, ok := s.plan(!ready)
	require.True(t, ok)
	got := bytes.Clone(file[:p.cut])
	for _, h := range p.tags {
		h.Timestamp += *p.shifts.of(h.Type)
		got = flv.AppendTag(got, h.Tag)
	}
	for _, tag := range list[n:] {
		tag.Timestamp += *p.shifts.of(tag.Type)
		got = flv.AppendTag(got, tag)
	}
	return got, p
}

// TestJoinByTime checks that a live stream is joined by its timestamps, at a key frame. Servers never send a part of a live stream twice.
func TestJoinByTime(t *testing.T) {
	all := sample(t)
	other := reencoded(all)
	for _, server := range []string{"absolute", "relative", "the key frame before", "without headers", "sound from before"} {
		for _, n := range []int{4, 70, 140, 300, 420, 600} {
			if server == "the key frame before" && n == 140 {
				continue // from 0 on, this server sends the same timestamps as one that counts from where it begins
			}
			got, p := joinedLive(t, rtmptest.File(all[:n]...), func(from time.Duration) []flv.Tag {
				if from == 0 {
					return other
				}
				return servers[server](other, from)
			})
			assert.False(t, p.byContent)
			assert.Zero(t, p.gap, "%s, %d", server, n)
			list := rtmptest.Tags(t, got)
			audio, video := tracks(t, got)
			wantAudio, wantVideo := tracks(t, rtmptest.File(all...))
			assert.Equal(t, times(wantVideo), times(video), "%s, %d", server, n)
			assert.Equal(t, times(wantAudio), times(audio), "%s, %d", server, n)
			first := 0
			for first < len(all) && bytes.Equal(list[first].Body, all[first].Body) {
				first++
			}
			assert.LessOrEqual(t, first, n)
		}
	}
}

func times(list []flv.Tag) (ms []uint32) {
	for _, tag := range list {
		ms = append(ms, tag.Timestamp)
	}
	return ms
}

// TestContinueStillPicture continues a stream of still pictures and silence, in which nearly all tags have the same content.
func TestContinueStillPicture(t *testing.T) {
	var all []flv.Tag
	for i, tag := range sample(t) {
		if i >= headers {
			tag.Body = bytes.Clone(tag.Body[:20])
			copy(tag.Body[5:], "the same forever")
		}
		all = append(all, tag)
	}
	for _, server := range []string{"absolute", "relative", "relative, rounded"} {
		for n := headers + 1; n < len(all); n += 13 {
			got, result, err := continued(t, rtmptest.File(all[:n]...), Options{}, func(from time.Duration) ([]flv.Tag, error) {
				if from == 0 {
					return all, io.EOF
				}
				return servers[server](all, from), io.EOF
			})
			require.NoError(t, err, "%s, %d: %+v", server, n, result)
			requireNear(t, rtmptest.File(all...), got, "%s, %d: %+v", server, n, result)
		}
	}
}

func TestContinueAcrossWrap(t *testing.T) {
	var all []flv.Tag
	for _, tag := range sample(t) {
		tag.Timestamp += 1<<32 - 5000
		all = append(all, tag)
	}
	for n := headers + 1; n < len(all); n += 29 {
		got, result, err := continued(t, rtmptest.File(all[:n]...), Options{}, func(from time.Duration) ([]flv.Tag, error) {
			index := headers
			for i, tag := range all {
				if kindOf(tag) == flv.KindKeyFrame && i < n {
					index = i
				}
			}
			return playFrom(all, index, false), io.EOF
		})
		require.NoError(t, err)
		require.True(t, bytes.Equal(rtmptest.File(all...), got), "%d: %+v", n, result)
	}
}

func TestMetadataChanged(t *testing.T) {
	all := sample(t)
	other := append([]flv.Tag{}, all...)
	other[0].Body = bytes.Replace(all[0].Body, []byte("width"), []byte("depth"), 1)
	got, result, err := continued(t, rtmptest.File(all[:300]...), Options{}, func(from time.Duration) ([]flv.Tag, error) {
		return servers["absolute"](other, from), io.EOF
	})
	require.NoError(t, err)
	assert.True(t, result.MetadataChanged)
	assert.True(t, bytes.Equal(rtmptest.File(all...), got))
}

// TestConfigurationChanged checks that a changed codec configuration is written where the new pictures begin.
func TestConfigurationChanged(t *testing.T) {
	all := sample(t)
	other := reencoded(all)
	other[1].Body = append(bytes.Clone(other[1].Body), 1)
	got, _ := joinedLive(t, rtmptest.File(all[:300]...), func(from time.Duration) []flv.Tag { return servers["absolute"](other, from) })
	list := rtmptest.Tags(t, got)
	at := -1
	for i, tag := range list {
		if bytes.Equal(tag.Body, other[1].Body) {
			at = i
		}
	}
	require.Positive(t, at)
	assert.Equal(t, flv.KindKeyFrame, kindOf(list[at+1]))
}

func TestOtherKindOfStream(t *testing.T) {
	all := sample(t)
	var sound []flv.Tag
	for _, tag := range reencoded(all) {
		if tag.Type != flv.TagVideo {
			sound = append(sound, tag)
		}
	}
	before := rtmptest.File(all[:300]...)
	got, _, err := continued(t, before, Options{}, func(time.Duration) ([]flv.Tag, error) { return sound, io.EOF })
	assert.ErrorIs(t, err, ErrNoMatch)
	assert.True(t, bytes.Equal(before, got))
}

// recording returns a synthetic recording: 25 pictures per second, a key frame every few seconds, and audio.
func recording(seconds, group int) []flv.Tag {
	list := []flv.Tag{
		{Type: flv.TagScript, Body: []byte("\x02\x00\x0aonMetaData\x05")},
		{Type: flv.TagVideo, Body: []byte{0x17, 0, 0, 0, 0, 1}},
		{Type: flv.TagAudio, Body: []byte{0xaf, 0, 0x12}},
	}
	for i := range seconds * 25 {
		kind := byte(0x27)
		if i%(group*25) == 0 {
			kind = 0x17
		}
		picture := []byte{kind, 1, 0, 0, 0, byte(i), byte(i >> 8), 7}
		list = append(list, flv.Tag{Type: flv.TagVideo, Timestamp: uint32(i * 40), Body: picture},
			flv.Tag{Type: flv.TagAudio, Timestamp: uint32(i*40 + 7), Body: []byte{0xaf, 1, byte(i), byte(i >> 8)}})
	}
	return list
}

// TestContinueLongGroups continues recordings with distant key frames from servers that begin long before the end of the file.
func TestContinueLongGroups(t *testing.T) {
	groups := []int{1, 1000}
	if long() {
		groups = append(groups, 20)
	}
	for _, group := range groups {
		all := recording(90, group)
		for _, server := range []string{"absolute", "relative", "the key frame before", "from the beginning"} {
			for _, n := range []int{headers + 1, 1003, 1004, len(all) - 700} {
				for _, skip := range []int{0, 2} {
					got, result, err := continued(t, rtmptest.File(all[:n]...), Options{SkipKeyFrames: skip}, func(from time.Duration) ([]flv.Tag, error) {
						if from == 0 {
							return all, io.EOF
						}
						return servers[server](all, from), io.EOF
					})
					if err != nil { // the fake player announces another duration
						require.ErrorIs(t, err, ErrTruncated)
					}
					require.True(t, bytes.Equal(rtmptest.File(all...), got), "%s, groups of %d s, %d tags, skip %d: %+v", server, group, n, skip, result)
				}
			}
		}
	}
}
