package watch_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/watch"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/message"
)

type tag struct {
	at time.Duration
	flv.Tag
}

func sample(t *testing.T) (tags []tag) {
	var at time.Duration
	for _, tg := range rtmptest.SampleTags(t) {
		at = max(at, time.Duration(tg.Timestamp)*time.Millisecond)
		tags = append(tags, tag{at, tg})
	}
	return tags
}

// watched returns the report about tags at the time end.
func watched(tags []tag, end time.Duration) report.Media {
	var w watch.Watcher
	for _, tg := range tags {
		w.Add(&event.Event{At: tg.at, Kind: event.Message,
			Packet: &message.Packet{Type: message.Type(tg.Type), Timestamp: tg.Timestamp, Body: tg.Body}})
	}
	var m report.Media
	w.Report(&m, end)
	return m
}

const length = 10 * time.Second // length of the sample

func TestTheSample(t *testing.T) {
	m := watched(sample(t), length)
	require.NotNil(t, m.Video)
	require.NotNil(t, m.Audio)
	v := m.Video
	assert.Equal(t, []string{"H.264", "Main", "1.2"}, []string{v.Codec, v.Profile, v.Level})
	assert.Equal(t, []int{320, 180, 250, 1}, []int{v.Width, v.Height, v.Frames, v.Tracks})
	assert.InDelta(t, 25, v.Rate, 0.01)
	assert.True(t, v.BFrames)
	assert.Equal(t, 5, v.Keys.Count)
	assert.Equal(t, 2*time.Second, v.Keys.Mean.Std())
	assert.Equal(t, report.Header{Needed: true, Count: 1}, v.Header)
	assert.Equal(t, "LC", m.Audio.Profile)
	assert.Equal(t, []int{44100, 2}, []int{m.Audio.SampleRate, m.Audio.Channels})
	assert.Less(t, m.Audio.Clock.Std().Abs(), 2*time.Millisecond)
	assert.InDelta(t, 1, m.Pace, 0.01)
	assert.Zero(t, m.Jumps.Count+m.Backs.Count+m.Repeats.Count)
	assert.Empty(t, m.Stalls)
	assert.Less(t, m.Offset.Std().Abs(), 50*time.Millisecond)
	assert.Less(t, m.Drift.Std().Abs(), 50*time.Millisecond)
	assert.True(t, m.Metadata)
	assert.Empty(t, v.Claimed)
	assert.Len(t, m.Rates, 10)
}

func TestTimesThatGoWrong(t *testing.T) {
	moved := func(by uint32) []tag {
		tags := sample(t)
		for i := range tags {
			if tags[i].Timestamp >= 4000 {
				tags[i].Timestamp += by
			}
		}
		return tags
	}
	m := watched(moved(60_000), length)
	assert.Equal(t, 2, m.Jumps.Count, "each track has one jump")
	assert.InDelta(t, 64, time.Duration(m.Jumps.To).Seconds(), 0.1)
	assert.Zero(t, m.Backs.Count)
	assert.InDelta(t, 25, m.Video.Rate, 0.01, "the jump does not count")
	assert.InDelta(t, 1, m.Pace, 0.05, "the pace must not include the jump")

	m = watched(moved(^uint32(2999)), length) // 3 s back
	assert.Equal(t, 2, m.Backs.Count)
	assert.Zero(t, m.Jumps.Count)

	tags := sample(t)
	for i := range tags[:len(tags)-1] {
		if next := &tags[i+1]; tags[i].Type == flv.TagAudio && next.Type == flv.TagAudio && tags[i].Timestamp > 100 {
			next.Timestamp = tags[i].Timestamp
			break
		}
	}
	m = watched(tags, length)
	assert.Equal(t, 1, m.Repeats.Count)
	assert.Equal(t, "audio", m.Repeats.Track)
}

func TestTimesThatWrapAround(t *testing.T) {
	tags := sample(t)
	for i := range tags {
		tags[i].Timestamp -= 5000
	}
	m := watched(tags, length)
	assert.Zero(t, m.Jumps.Count+m.Backs.Count)
	assert.InDelta(t, 25, m.Video.Rate, 0.01)
}

func TestMissingHeaders(t *testing.T) {
	var bare []tag
	for _, tg := range sample(t) {
		if !flv.IsHeader(tg.Tag) {
			bare = append(bare, tg)
		}
	}
	m := watched(bare, length)
	assert.Equal(t, report.Header{Needed: true, Early: 250}, m.Video.Header)
	assert.True(t, m.Audio.Header.Needed)
	assert.Zero(t, m.Audio.Header.Count)
	assert.False(t, m.Metadata)
}

func TestStallsBurstsAndPace(t *testing.T) {
	tags := sample(t)
	for i := range tags { // two seconds of media arrive at once at the beginning, and nothing arrives from the fifth second to the seventh
		if tags[i].at < 2*time.Second {
			tags[i].at = 0
		} else {
			tags[i].at -= 2 * time.Second
		}
		if tags[i].at > 5*time.Second && tags[i].at < 7*time.Second {
			tags[i].at = 7 * time.Second
		}
	}
	m := watched(tags, 8*time.Second)
	require.Len(t, m.Stalls, 1)
	assert.InDelta(t, 2, time.Duration(m.Stalls[0].Took).Seconds(), 0.1)
	assert.InDelta(t, 2, time.Duration(m.Burst).Seconds(), 0.1)
	assert.InDelta(t, 1, m.Pace, 0.02)

	m = watched(tags, 20*time.Second)
	assert.Len(t, m.Stalls, 2, "the pause at the end counts too")

	late := sample(t)
	for i := range late {
		late[i].at = late[i].at * 5 / 4
	}
	assert.InDelta(t, 0.8, watched(late, 13*time.Second).Pace, 0.02)
}

// TestAStreamOfFewPictures checks a stream that consists of one picture per second.
func TestAStreamOfFewPictures(t *testing.T) {
	var tags []tag
	for i := range 10 {
		at := time.Duration(i) * time.Second
		tags = append(tags, tag{Tag: flv.Tag{Type: flv.TagVideo, Timestamp: uint32(at.Milliseconds()), Body: []byte{0x17, 1, 0, 0, 0, 1}}, at: at})
	}
	assert.Empty(t, watched(tags, length).Stalls)
	for i := range tags[5:] {
		tags[5+i].at += time.Second
	}
	assert.Len(t, watched(tags, length+time.Second).Stalls, 1)
}

func TestSoundAndPictures(t *testing.T) {
	shifted := func(by func(uint32) uint32) report.Media {
		tags := sample(t)
		for i := range tags {
			if tags[i].Type == flv.TagAudio && !flv.IsHeader(tags[i].Tag) {
				tags[i].Timestamp = by(tags[i].Timestamp)
			}
		}
		return watched(tags, length)
	}
	m := shifted(func(ms uint32) uint32 { return ms + 900 })
	assert.InDelta(t, 0.9, time.Duration(m.Offset).Seconds(), 0.05)
	assert.Less(t, m.Drift.Std().Abs(), 50*time.Millisecond)
	m = shifted(func(ms uint32) uint32 { return ms + ms/20 })
	assert.InDelta(t, 0.5*0.8, time.Duration(m.Drift).Seconds(), 0.1)
	assert.InDelta(t, 0.5, time.Duration(m.Audio.Clock).Seconds(), 0.02)
}

func TestKeyFramesThatAreRare(t *testing.T) {
	var one, none []tag
	for _, tg := range sample(t) {
		kind, _ := flv.KindOf(tg.Tag)
		if kind == flv.KindKeyFrame && tg.Timestamp > 1000 {
			continue
		}
		one = append(one, tg)
		if kind != flv.KindKeyFrame {
			none = append(none, tg)
		}
	}
	m := watched(one, length)
	assert.Equal(t, 1, m.Video.Keys.Count)
	assert.InDelta(t, 9.96, time.Duration(m.Video.Keys.Longest).Seconds(), 0.1)
	m = watched(none, length)
	assert.Zero(t, m.Video.Keys.Count)
	assert.InDelta(t, 10, time.Duration(m.Video.Keys.Longest).Seconds(), 0.2)
}

func TestMetadataThatDiffers(t *testing.T) {
	body, err := flv.AppendScript(nil, "onMetaData", map[string]any{"width": 1920.0, "height": 1080.0})
	require.NoError(t, err)
	tags := append([]tag{{0, flv.Tag{Type: flv.TagScript, Body: body}}}, sample(t)[1:]...)
	assert.Equal(t, "1920x1080", watched(tags, length).Video.Claimed)
}

// TestPublishersAndAggregates checks a session that publishes, in which the first media is the client's, and media in aggregates.
func TestPublishersAndAggregates(t *testing.T) {
	var w watch.Watcher
	tags := sample(t)
	var aggregate []byte
	for _, tg := range tags[:20] {
		aggregate = flv.AppendTag(aggregate, tg.Tag)
	}
	w.Add(&event.Event{Kind: event.Message, Sent: true, Packet: &message.Packet{Type: message.TypeAggregate, Body: aggregate}})
	w.Add(&event.Event{Kind: event.Message, Packet: &message.Packet{Type: message.TypeVideo, Body: tags[1].Body}})
	var m report.Media
	w.Report(&m, time.Second)
	require.NotNil(t, m.Video)
	require.NotNil(t, m.Audio)
	assert.Equal(t, 1, m.Video.Header.Count)
}

// FuzzWatcher checks that invalid bodies are counted and otherwise harmless.
func FuzzWatcher(f *testing.F) {
	f.Add(uint8(9), uint32(0), []byte{0x17, 0, 0, 0, 0}, uint8(8), uint32(10), []byte{0xaf, 0, 0x12})
	f.Add(uint8(22), uint32(5), []byte{9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x17, 0, 0, 0, 12}, uint8(18), uint32(1<<31), []byte{2, 0, 0})
	f.Add(uint8(9), uint32(0), []byte{0x96, 0x01, 'h', 'v', 'c', '1'}, uint8(9), ^uint32(0), []byte{})
	f.Fuzz(func(t *testing.T, a uint8, at uint32, first []byte, b uint8, then uint32, second []byte) {
		var w watch.Watcher
		for i := range 3 {
			now := time.Duration(i) * time.Second
			w.Add(&event.Event{At: now, Kind: event.Message, Packet: &message.Packet{Type: message.Type(a), Timestamp: at, Body: first}})
			w.Add(&event.Event{At: now, Kind: event.Message, Packet: &message.Packet{Type: message.Type(b), Timestamp: then, Body: second}})
		}
		var m report.Media
		w.Report(&m, 4*time.Second)
		assert.LessOrEqual(t, len(m.Rates), 4)
	})
}
