package fmp4

import (
	"bytes"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/media"
)

const ms = time.Millisecond

// These are parameter sets for 320x180 and 640x360 with the same profile and level, and one with another profile.
var (
	small  = []string{"6742c01ed90141fb016a0c020c80000003008000001e478b1724", "68cb83cb20"}
	large  = []string{"6742c01ed900a02ff9610000030001000003003c8f162e48", "68cb83cb20"}
	better = []string{"6764001eacd940a02ff9610000030001000003003c0f162d96", "68ebe3cb22c0"}
)

var unhex = conntest.Hex

// configure sets the parameter sets of a track.
func configure(t testing.TB, track *media.Track, sets ...string) {
	t.Helper()
	var c flv.AVCConfig
	track.ParameterSets = nil
	for _, text := range sets {
		set := unhex(text)
		track.ParameterSets = append(track.ParameterSets, set)
		if set[0]&0x1f == 7 {
			c.SPS = append(c.SPS, set)
		} else {
			c.PPS = append(c.PPS, set)
		}
	}
	var err error
	track.Config, err = flv.AppendAVCConfig(nil, c)
	require.NoError(t, err)
}

func tracks(t testing.TB) (video, audio *media.Track) {
	t.Helper()
	video, audio = &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, Config: []byte{0x12, 0x10}}
	configure(t, video, small...)
	return video, audio
}

func picture(track *media.Track, at time.Duration, key bool) *media.Unit {
	return &media.Unit{Track: track, PTS: at, DTS: at, KeyFrame: key, Parts: [][]byte{{0x65, byte(at / ms)}}}
}

func sound(track *media.Track, at time.Duration) *media.Unit {
	return &media.Unit{Track: track, PTS: at, DTS: at, KeyFrame: true, Parts: [][]byte{{0x21, byte(at / ms)}}}
}

// player parses the output of a Muxer.
type player struct {
	t     testing.TB
	m     *Muxer
	inits []fmp4.Init
	parts fmp4.Parts
}

func newPlayer(t testing.TB, live bool, tracks ...*media.Track) *player {
	t.Helper()
	m, err := NewMuxer(tracks, live)
	require.NoError(t, err)
	return &player{t: t, m: m}
}

func (p *player) add(units ...*media.Unit) {
	p.t.Helper()
	for _, u := range units {
		b, err := p.m.Add(u)
		require.NoError(p.t, err)
		p.read(joined(b))
	}
}

func (p *player) flush() {
	p.t.Helper()
	b, err := p.m.Flush()
	require.NoError(p.t, err)
	p.read(joined(b))
}

// joined concatenates pieces.
func joined(pieces []Piece) (b []byte) {
	for _, p := range pieces {
		b = append(b, p.Data...)
	}
	return b
}

func (p *player) read(b []byte) {
	p.t.Helper()
	for len(b) > 0 {
		next := len(b)
		for _, box := range []string{"moof", "ftyp"} {
			if i := bytes.Index(b[8:], []byte(box)); i >= 0 {
				next = min(next, 8+i-4)
			}
		}
		if string(b[4:8]) == "ftyp" {
			var init fmp4.Init
			require.NoError(p.t, init.Unmarshal(bytes.NewReader(b[:next])))
			p.inits = append(p.inits, init)
		} else {
			var parts fmp4.Parts
			require.NoError(p.t, parts.Unmarshal(b[:next]))
			p.parts = append(p.parts, parts...)
		}
		b = b[next:]
	}
}

// times returns the times at which a track's samples begin, and the end, in milliseconds. For a gap it also returns the time at which the
// gap begins.
func (p *player) times(id int) (all [][2]int64) {
	for _, part := range p.parts {
		for _, track := range part.Tracks {
			if track.ID != id {
				continue
			}
			at := int64(track.BaseTime)
			for _, sample := range track.Samples {
				all = append(all, [2]int64{at / 90, (at + int64(sample.Duration)) / 90})
				at += int64(sample.Duration)
			}
		}
	}
	return all
}

func TestMuxerBeginsWithAKeyFrame(t *testing.T) {
	video, audio := tracks(t)
	p := newPlayer(t, true, video, audio)
	p.add(sound(audio, 0), picture(video, 0, false), sound(audio, 20*ms), picture(video, 40*ms, true), sound(audio, 43*ms), picture(video, 80*ms, false))
	assert.Len(t, p.inits, 1)
	assert.Len(t, p.inits[0].Tracks, 2)
	p.flush()
	assert.Equal(t, [][2]int64{{40, 80}, {80, 120}}, p.times(1))
	assert.Equal(t, [][2]int64{{43, 83}}, p.times(2))
}

func TestMuxerPutsOutAFragmentForATenthOfASecondAndForAKeyFrame(t *testing.T) {
	video, _ := tracks(t)
	p := newPlayer(t, true, video)
	for at := time.Duration(0); at <= 400*ms; at += 40 * ms {
		p.add(picture(video, at, at == 0 || at == 280*ms))
	}
	var sizes []int
	for _, part := range p.parts {
		sizes = append(sizes, len(part.Tracks[0].Samples))
		assert.EqualValues(t, len(sizes), part.SequenceNumber)
	}
	assert.Equal(t, []int{3, 3, 1, 3}, sizes)
	assert.False(t, p.parts[3].Tracks[0].Samples[0].IsNonSyncSample)
	assert.True(t, p.parts[3].Tracks[0].Samples[1].IsNonSyncSample)
}

func TestMuxerGathersNoMoreThanAMegabyte(t *testing.T) {
	video, _ := tracks(t)
	p := newPlayer(t, true, video)
	for range 20 { // all units have the same time
		u := picture(video, 0, len(p.inits) == 0)
		u.Parts[0] = append(u.Parts[0], make([]byte, 100<<10)...)
		p.add(u)
	}
	assert.Len(t, p.parts, 1)
}

func TestMuxerTimesIncrease(t *testing.T) {
	video, _ := tracks(t)
	p := newPlayer(t, true, video)
	back := picture(video, 20*ms, false)
	back.PTS = 60 * ms
	p.add(picture(video, 40*ms, true), back, picture(video, 80*ms, false))
	p.flush()
	samples := p.parts[0].Tracks[0].Samples
	assert.Len(t, samples, 3)
	assert.EqualValues(t, 1, samples[0].Duration)
	assert.EqualValues(t, 20*90-1, samples[1].PTSOffset, "it is shown at its time")
}

func TestMuxerLeavesAHoleInSound(t *testing.T) {
	video, audio := tracks(t)
	p := newPlayer(t, true, video, audio)
	p.add(picture(video, 0, true), sound(audio, 0), sound(audio, 20*ms), picture(video, 2000*ms, false), sound(audio, 2000*ms), sound(audio, 2020*ms),
		picture(video, 2040*ms, false))
	p.flush()
	assert.Equal(t, [][2]int64{{0, 20}, {20, 40}, {2000, 2020}, {2020, 2040}}, p.times(2))
	assert.Equal(t, [][2]int64{{0, 2000}, {2000, 2040}, {2040, 2080}}, p.times(1), "the picture stands")
}

func TestMuxerChanges(t *testing.T) {
	begin := func(t *testing.T, live bool) (p *player, video, audio *media.Track) {
		video, audio = tracks(t)
		p = newPlayer(t, live, video, audio)
		first := picture(video, 0, true)
		first.Changed = true
		p.add(first, sound(audio, 0), picture(video, 40*ms, false))
		return p, video, audio
	}
	changed := func(track *media.Track, at time.Duration) *media.Unit {
		u := picture(track, at, true)
		u.Changed = true
		return u
	}
	t.Run("the size: another initialization segment", func(t *testing.T) {
		p, video, _ := begin(t, true)
		configure(t, video, large...)
		p.add(changed(video, 80*ms))
		p.flush()
		assert.Len(t, p.inits, 2)
		assert.Equal(t, [][2]int64{{0, 40}, {40, 80}, {80, 120}}, p.times(1))
	})
	t.Run("nothing", func(t *testing.T) {
		p, video, _ := begin(t, true)
		p.add(changed(video, 80*ms))
		assert.Len(t, p.inits, 1)
	})
	for name, change := range map[string]func(t *testing.T, video *media.Track){
		"the profile":                func(t *testing.T, video *media.Track) { configure(t, video, better...) },
		"the codec":                  func(t *testing.T, video *media.Track) { *video = media.Track{Codec: media.VP8} },
		"parameter sets to nonsense": func(t *testing.T, video *media.Track) { video.Config = []byte{1} },
	} {
		t.Run(name+": ErrChanged", func(t *testing.T) {
			p, video, _ := begin(t, true)
			change(t, video)
			_, err := p.m.Add(changed(video, 80*ms))
			assert.ErrorIs(t, err, ErrChanged)
			p.flush()
			assert.Equal(t, [][2]int64{{0, 40}, {40, 80}}, p.times(1))
		})
	}
	t.Run("sound comes later: ErrChanged", func(t *testing.T) {
		video, audio := tracks(t)
		p := newPlayer(t, true, video)
		p.add(picture(video, 0, true))
		_, err := p.m.Add(sound(&media.Track{Codec: media.ALaw}, 0))
		assert.NoError(t, err, "it can't be put out anyway")
		_, err = p.m.Add(sound(audio, 0))
		assert.ErrorIs(t, err, ErrChanged)
	})
	for live, want := range map[bool]error{true: ErrChanged, false: nil} {
		t.Run("sound goes", func(t *testing.T) {
			p, video, _ := begin(t, live)
			var err error
			for at := 80 * ms; at < 4*time.Second && err == nil; at += 40 * ms {
				_, err = p.m.Add(picture(video, at, false))
			}
			assert.Equal(t, want, err)
		})
	}
	for live, want := range map[bool]error{true: ErrChanged, false: nil} {
		t.Run("the time goes back", func(t *testing.T) {
			p, video, audio := begin(t, live)
			p.add(picture(video, time.Hour, false), sound(audio, time.Hour))
			p.add(picture(video, time.Hour-time.Second, false), sound(audio, time.Hour-time.Second))
			_, err := p.m.Add(picture(video, 20*ms, true))
			assert.Equal(t, want, err)
		})
	}
	t.Run("nothing comes for a while", func(t *testing.T) {
		p, video, audio := begin(t, true)
		p.add(picture(video, time.Minute, false), sound(audio, time.Minute))
	})
}

func TestMuxerRepeatsParameterSetsThatMP4HasNoRoomFor(t *testing.T) {
	video, _ := tracks(t)
	second := "68cb83cb21"
	configure(t, video, append(append([]string{}, small...), second)...)
	p := newPlayer(t, true, video)
	p.add(picture(video, 0, true), picture(video, 40*ms, false))
	p.flush()
	units, err := media.SplitAVCC(nil, p.parts[0].Tracks[0].Samples[0].Payload, 4)
	require.NoError(t, err)
	assert.Equal(t, append(append([][]byte{}, video.ParameterSets...), []byte{0x65, 0}), units)
	assert.Len(t, p.parts[0].Tracks[0].Samples[1].Payload, 6)
}

func TestNewMuxerOfWhatMP4CantHold(t *testing.T) {
	video, audio := tracks(t)
	law, vp8 := &media.Track{Codec: media.ALaw}, &media.Track{Codec: media.VP8}
	m, err := NewMuxer([]*media.Track{video, law}, true)
	require.NoError(t, err)
	assert.Equal(t, `video/mp4; codecs="avc1.42c01e"`, m.ContentType(), "without sound")
	for want, all := range map[string][]*media.Track{"VP8": {vp8, audio}, "G.711 A-law, VP8": {law, vp8}, "G.711 A-law": {law}, "Opus": {{Codec: media.Opus, Channels: 6}}} {
		_, err := NewMuxer(all, true)
		var codecs *CodecError
		require.ErrorAs(t, err, &codecs)
		assert.Equal(t, want, codecs.Codecs)
	}
}

// TestTicks checks that E-RTMP's nanosecond offsets are converted to ticks exactly.
func TestTicks(t *testing.T) {
	assert.EqualValues(t, 90*41, ticks(41*ms))
	assert.EqualValues(t, 45, ticks(500*time.Microsecond))
	assert.EqualValues(t, int64(90000*3600*24*365), ticks(365*24*time.Hour), "beyond 2^32 ms")
}

// BenchmarkMuxerSecond muxes one second with 25 pictures of 20 kB and 47 audio frames, which is 4 Mbit/s.
func BenchmarkMuxerSecond(b *testing.B) {
	video, audio := tracks(b)
	m, err := NewMuxer([]*media.Track{video, audio}, true)
	require.NoError(b, err)
	body := make([]byte, 20<<10)
	at := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range 25 {
			u := picture(video, at, i == 0)
			u.Parts[0] = body
			if _, err := m.Add(u); err != nil {
				b.Fatal(err)
			}
			for range 2 {
				if _, err := m.Add(sound(audio, at)); err != nil {
					b.Fatal(err)
				}
				at += 20 * ms
			}
		}
	}
}

// TestPieces checks that Key is set for fragments that begin with a key frame. A viewer must be able to begin with them after the last
// initialization segment.
func TestPieces(t *testing.T) {
	video, audio := tracks(t)
	m, err := NewMuxer([]*media.Track{video, audio}, true)
	require.NoError(t, err)
	var kinds []string
	add := func(u *media.Unit) {
		pieces, err := m.Add(u)
		require.NoError(t, err)
		for _, p := range pieces {
			kinds = append(kinds, map[[2]bool]string{{true, false}: "init", {false, true}: "key", {false, false}: "other"}[[2]bool{p.Init, p.Key}])
			assert.Equal(t, map[bool]string{true: "ftyp", false: "moof"}[p.Init], string(p.Data[4:8]))
		}
	}
	for at := time.Duration(0); at <= 400*ms; at += 40 * ms {
		add(picture(video, at, at == 0 || at == 200*ms))
		add(sound(audio, at+20*ms))
	}
	configure(t, video, large...)
	changed := picture(video, 440*ms, true)
	changed.Changed = true
	add(changed)
	add(picture(video, 600*ms, false))
	assert.Equal(t, []string{"init", "key", "other", "key", "other", "other", "init", "key"}, kinds)
}
