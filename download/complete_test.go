package download

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func telling(t *testing.T, list []flv.Tag, duration time.Duration, properties amf.ECMAArray) []flv.Tag {
	list = slices.Clone(list)
	properties = append(amf.ECMAArray{{Name: "duration", Value: duration.Seconds()}}, properties...)
	for i := range list {
		if list[i].Type == flv.TagScript {
			var err error
			list[i].Body, err = flv.AppendScript(nil, "onMetaData", properties)
			require.NoError(t, err)
		}
	}
	return list
}

// judged downloads tags from a fake player that then returns err. io.EOF means that the server has ended the stream.
func judged(t *testing.T, list []flv.Tag, duration time.Duration, properties amf.ECMAArray, err error, live bool) (Result, error) {
	t.Helper()
	d, newErr := newDownload("rtmp://h/a/b", &Options{RTMP: &rtmp.Options{Live: live}})
	require.NoError(t, newErr)
	d.out = newOutput(io.Discard, 0)
	d.open = func(context.Context, time.Duration) (player, error) {
		return &fakePlayer{telling(t, list, duration, properties), err}, nil
	}
	return d.run(conntest.Context(t))
}

func without(list []flv.Tag, drop func(flv.Tag) bool) []flv.Tag {
	return slices.DeleteFunc(slices.Clone(list), drop)
}

func isVideo(tag flv.Tag) bool { return tag.Type == flv.TagVideo }
func isAudio(tag flv.Tag) bool { return tag.Type == flv.TagAudio }

// delayed reorders tags as if a server had sent the frames that late selects lag milliseconds late.
func delayed(list []flv.Tag, late func(flv.Tag) bool, lag uint32) []flv.Tag {
	list = slices.Clone(list)
	due := func(tag flv.Tag) uint32 {
		if late(tag) {
			return tag.Timestamp + lag
		}
		return tag.Timestamp
	}
	slices.SortStableFunc(list[headers:], func(a, b flv.Tag) int { return int(due(a)) - int(due(b)) })
	return list
}

// slides returns the stream of a talk: seconds of audio, with a picture every few seconds.
func slides(seconds, every int, irregular bool) []flv.Tag {
	list := without(recording(seconds, 1), func(tag flv.Tag) bool { return isVideo(tag) && tag.Body[1] != 0 })
	var shown []flv.Tag
	for at, n := 0, 0; at < seconds*1000; n++ {
		shown = append(shown, flv.Tag{Type: flv.TagVideo, Timestamp: uint32(at), Body: []byte{0x17, 1, 0, 0, 0, byte(n), 7}})
		if at += every * 1000; irregular {
			at += n % 3 * 4000
		}
	}
	list = append(list, shown...)
	slices.SortStableFunc(list[headers:], func(a, b flv.Tag) int { return int(a.Timestamp) - int(b.Timestamp) })
	return list
}

func TestIncomplete(t *testing.T) {
	all := sample(t)
	lost := io.ErrUnexpectedEOF
	const duration = 10080 * time.Millisecond
	both := amf.ECMAArray{{Name: "videocodecid", Value: 7.0}, {Name: "audiocodecid", Value: 10.0}}
	hole := func(from, to uint32, of func(flv.Tag) bool) []flv.Tag {
		return without(all, func(tag flv.Tag) bool { return of(tag) && tag.Timestamp > from && tag.Timestamp < to })
	}
	media := func(tag flv.Tag) bool { return tag.Type != flv.TagScript }
	for _, test := range []struct {
		name       string
		tags       []flv.Tag
		duration   time.Duration
		properties amf.ECMAArray
		end        error
	}{
		{"all the sound and a quarter of the pictures, lost", hole(2500, 99999, isVideo), duration, nil, lost},
		{"all the sound and a quarter of the pictures", hole(2500, 99999, isVideo), duration, nil, io.EOF},
		{"the same without a duration", hole(2500, 99999, isVideo), 0, nil, io.EOF},
		{"all the pictures and a quarter of the sound", hole(2500, 99999, isAudio), duration, nil, io.EOF},
		{"audio ahead, connection lost", delayed(all, isVideo, 1500)[:len(all)-35], duration, nil, lost},
		{"the sound ahead", delayed(all, isVideo, 1500)[:len(all)-35], duration, nil, io.EOF},
		{"the sound half a second ahead, lost", delayed(all, isVideo, 500)[:len(all)-11], duration, nil, lost},
		{"a hole", hole(1000, 9400, media), duration, nil, io.EOF},
		{"a hole without a duration", hole(1000, 9400, media), 0, nil, io.EOF},
		{"a hole, then lost at the end", hole(1000, 9400, media), duration, nil, lost},
		{"a short hole in the pictures", hole(4000, 4400, isVideo), duration, nil, io.EOF},
		{"a short hole in the sound", hole(4000, 4400, isAudio), duration, nil, io.EOF},
		{"pictures that never came", without(all, isVideo), duration, both, io.EOF},
		{"pictures that never came, lost", without(all, isVideo), duration, both, lost},
		{"sound that never came", without(all, isAudio), 0, amf.ECMAArray{{Name: "audiocodecid", Value: "mp4a"}}, io.EOF},
		{"one picture of many", hole(0, 99999, isVideo), duration, amf.ECMAArray{{Name: "framerate", Value: 25.0}}, io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := judged(t, test.tags, test.duration, test.properties, test.end, false)
			assert.Error(t, err)
			assert.NotEqual(t, Complete, result.Outcome, "%+v", result)
			assert.NotEmpty(t, result.Gaps)
			if test.end == io.EOF {
				assert.ErrorIs(t, err, ErrIncomplete)
				assert.Equal(t, Incomplete, result.Outcome)
			}
		})
	}
	result, _ := judged(t, hole(1000, 9400, isVideo), duration, nil, io.EOF, false)
	assert.Equal(t, []Gap{{flv.TagVideo, 1000 * time.Millisecond, 9400 * time.Millisecond}}, result.Gaps)
}

// TestCompleteAllTheSame checks streams that only seem to have gaps.
func TestCompleteAllTheSame(t *testing.T) {
	all := sample(t)
	lost := io.ErrUnexpectedEOF
	const duration = 10080 * time.Millisecond
	late := append(slices.Clone(all[1:]), all[0]) // the metadata comes last, with timestamp 0
	talk := slides(60, 10, false)
	for _, test := range []struct {
		name       string
		tags       []flv.Tag
		duration   time.Duration
		properties amf.ECMAArray
		end        error
	}{
		{"everything", all, duration, nil, io.EOF},
		{"everything, lost", all, duration, nil, lost},
		{"metadata that comes last", late, duration, nil, io.EOF},
		{"metadata that comes last, lost", late, duration, nil, lost},
		{"sound that ends earlier", without(all, func(tag flv.Tag) bool { return isAudio(tag) && tag.Timestamp > 9300 }), duration, nil, io.EOF},
		{"pictures that end earlier", without(all, func(tag flv.Tag) bool { return isVideo(tag) && tag.Timestamp > 9300 }), duration, nil, io.EOF},
		{"sound that ends a bit earlier, lost", without(all, func(tag flv.Tag) bool { return isAudio(tag) && tag.Timestamp > 9900 }),
			10 * time.Second, nil, lost},
		{"sound that begins later", without(all, func(tag flv.Tag) bool { return isAudio(tag) && tag.Timestamp < 5000 }), duration, nil, io.EOF},
		{"a duration that is a bit long", all, duration + 700*time.Millisecond, nil, io.EOF},
		{"a duration that is short", all, duration - 3*time.Second, nil, io.EOF},
		{"a slide each 10 s", talk, time.Minute, nil, io.EOF},
		{"a slide each 10 s, lost", talk, time.Minute, nil, lost},
		{"slides now and then", slides(60, 3, true), time.Minute, nil, io.EOF},
		{"a single picture", without(all, func(tag flv.Tag) bool { return isVideo(tag) && tag.Timestamp > 0 }), duration, nil, io.EOF},
		{"only sound", without(all, isVideo), duration, amf.ECMAArray{{Name: "videocodecid", Value: 0.0}, {Name: "hasVideo", Value: false}}, io.EOF},
		{"the sound ahead", delayed(all, isVideo, 1500), duration, nil, io.EOF},
		{"pictures that skip one here and there", without(all, func(tag flv.Tag) bool { return isVideo(tag) && tag.Timestamp%400 == 40 }), duration, nil, io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := judged(t, test.tags, test.duration, test.properties, test.end, false)
			assert.NoError(t, err)
			assert.Equal(t, Complete, result.Outcome, "%+v", result)
			assert.Empty(t, result.Gaps)
		})
	}
	result, err := judged(t, late, duration, nil, io.EOF, false)
	require.NoError(t, err)
	assert.Equal(t, ms(all[len(all)-1].Timestamp), result.Position)
}

// TestWrongDuration checks streams that are longer than the metadata says, as when a server plays several recordings one after the other, each
// with its own metadata. The duration then proves nothing: neither that a lost connection had reached the end, nor that a step longer than
// the duration is not a gap.
func TestWrongDuration(t *testing.T) {
	all := sample(t)
	for name, duration := range map[string]time.Duration{"of one part": 4 * time.Second, "tiny": time.Millisecond} {
		result, err := judged(t, all, duration, nil, io.ErrUnexpectedEOF, false)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, name)
		assert.Equal(t, ClosedEarly, result.Outcome, name)
		result, err = judged(t, all, duration, nil, io.EOF, false)
		assert.NoError(t, err, name)
		assert.Equal(t, Complete, result.Outcome, name)
	}
	hole := without(all, func(tag flv.Tag) bool { return tag.Timestamp > 7000 && tag.Timestamp < 9000 })
	result, err := judged(t, hole, time.Second, nil, io.EOF, false)
	assert.ErrorIs(t, err, ErrIncomplete)
	assert.Len(t, result.Gaps, 2)
}

// TestHolesInLiveStreams checks that gaps in a live stream are reported, although its length is unknown.
func TestHolesInLiveStreams(t *testing.T) {
	all := sample(t)
	result, err := judged(t, append(slices.Clone(all[:200]), all[400:]...), 0, nil, io.EOF, true)
	assert.NoError(t, err)
	assert.Equal(t, Complete, result.Outcome)
	assert.Len(t, result.Gaps, 2)
}

// TestContinueFileWithHole checks that gaps in a file are still reported after it was continued.
func TestContinueFileWithHole(t *testing.T) {
	all := sample(t)
	file := rtmptest.File(append(slices.Clone(all[:100]), all[200:500]...)...)
	got, result, err := continued(t, file, Options{}, func(from time.Duration) ([]flv.Tag, error) {
		return servers["absolute"](all, from), io.EOF
	})
	assert.ErrorIs(t, err, ErrIncomplete)
	assert.Len(t, result.Gaps, 2)
	assert.True(t, bytes.HasPrefix(got, file))
}

// TestDamagedAggregate checks that a stream is incomplete if a damaged aggregate has lost messages, although every track extends to the
// end.
func TestDamagedAggregate(t *testing.T) {
	picture := flv.AppendTag(nil, flv.Tag{Type: flv.TagVideo, Timestamp: 1, Body: make([]byte, 50)})
	s := rtmptest.Server(t, testserver.Config{OnMessage: func(s *testserver.Session, m *chunk.Message) {
		cmd, err := message.ParseCommand(message.Type(m.Type), m.Body())
		if err != nil || cmd.Name != "play" {
			return
		}
		s.Send(chunk.Outgoing{Type: uint8(message.TypeAggregate), ChunkStreamID: 9, StreamID: m.StreamID, Body: picture[:40]})
	}})
	result, err := To(conntest.Context(t), s.URL("vod", "sample"), io.Discard, nil)
	assert.ErrorIs(t, err, ErrIncomplete)
	assert.Equal(t, Incomplete, result.Outcome)
	assert.EqualValues(t, 1, result.BadData)
}

// TestDamageElsewhere checks that damaged messages outside the stream do not affect the outcome, although the connection counts them.
func TestDamageElsewhere(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{OnMessage: func(s *testserver.Session, m *chunk.Message) {
		if cmd, err := message.ParseCommand(message.Type(m.Type), m.Body()); err == nil && cmd.Name == "play" {
			s.Send(chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 9, Body: []byte{1, 2, 3}})
		}
	}})
	result, err := To(conntest.Context(t), s.URL("vod", "sample"), io.Discard, nil)
	assert.NoError(t, err)
	assert.Zero(t, result.BadData)
}
