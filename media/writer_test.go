package media

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

func TestH264RoundTrip(t *testing.T) {
	var r recorder
	video := &Track{Codec: H264, ParameterSets: avcSets}
	audio := &Track{Codec: AAC, SampleRate: 44100, Channels: 2}
	w := NewWriter(&r, video, audio)
	w.Metadata = amf.Object{{Name: "encoder", Value: "test"}}
	idr, b, p := parts("6588aa"), parts("0188"), parts("06aabb", "4188")
	require.NoError(t, w.WriteMPEG4Audio(audio, 0, []byte{0x21, 1}))
	require.NoError(t, w.WriteH264(video, 80*ms, 0, idr))
	require.NoError(t, w.WriteH264(video, 160*ms, 40*ms, p))
	require.NoError(t, w.WriteMPEG4Audio(audio, 23219955*time.Nanosecond, []byte{0x21, 2}))
	require.NoError(t, w.WriteH264(video, 120*ms, 80*ms, b))
	require.NoError(t, w.Close())

	require.Len(t, r.packets, 9)
	name, values, err := flv.ParseScript(r.packets[0].Body)
	require.NoError(t, err)
	assert.Equal(t, "onMetaData", name)
	assert.Equal(t, []any{amf.ECMAArray{{Name: "width", Value: 320.0}, {Name: "height", Value: 180.0}, {Name: "videocodecid", Value: 7.0},
		{Name: "audiosamplerate", Value: 44100.0}, {Name: "audiochannels", Value: 2.0}, {Name: "stereo", Value: true},
		{Name: "audiocodecid", Value: 10.0}, {Name: "encoder", Value: "test"}}}, values)
	assert.Equal(t, unhex("17 00 000000 014d400cffe10019674d400ceca0a0cfcf8088000003000800000301 9078a14cb0 01000468ebecb2"), r.packets[1].Body)
	assert.Equal(t, unhex("af 00 1210"), r.packets[2].Body)
	assert.Equal(t, unhex("af 01 2101"), r.packets[3].Body)
	assert.Equal(t, unhex("17 01 000050 00000003 6588aa"), r.packets[4].Body)
	assert.Equal(t, unhex("17 02 000000"), r.packets[8].Body)

	reader := NewReader(&r)
	tracks, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	require.Len(t, tracks, 2)
	assert.Equal(t, Track{Codec: H264, Width: 320, Height: 180, Config: r.packets[1].Body[5:], ParameterSets: avcSets, video: true}, *tracks[0])
	assert.Equal(t, Track{Codec: AAC, SampleRate: 44100, Channels: 2, Config: []byte{0x12, 0x10}}, *tracks[1])
	const v, a = "video track 0 (H.264)", "audio track 0 (AAC)"
	assert.Equal(t, []unit{
		{a, 0, 0, true, true, parts("2101")},
		{v, 80 * ms, 0, true, true, idr},
		{v, 160 * ms, 40 * ms, false, false, p},
		{a, 23 * ms, 23 * ms, true, false, parts("2102")},
		{v, 120 * ms, 80 * ms, false, false, b},
	}, readAll(t, reader))
	again, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	assert.Equal(t, tracks, again)
}

func TestChangeInMidStream(t *testing.T) {
	var r recorder
	video, audio := &Track{Codec: H264}, &Track{Codec: AAC, Config: unhex("1210")}
	w := NewWriter(&r, video, audio)
	key := func(sets [][]byte) [][]byte { return append(sets[:2:2], unhex("6588")) }
	require.ErrorIs(t, w.WriteH264(video, 0, 0, parts("4188")), ErrNoConfig, "in the middle of a group of pictures")
	require.NoError(t, w.WriteMPEG4Audio(audio, 0, []byte{1}))
	require.NoError(t, w.WriteH264(video, 0, 0, key(avcSets)))
	require.NoError(t, w.WriteH264(video, 40*ms, 40*ms, key(avcSets)))
	require.NoError(t, w.WriteH264(video, 80*ms, 80*ms, key(avcSets2)))
	audio.Config[1] = 0x08 // modify the configuration in place: mono
	require.NoError(t, w.WriteMPEG4Audio(audio, 80*ms, []byte{2}))
	audio.Codec, audio.Config = Opus, nil
	require.NoError(t, w.WriteOpus(audio, 120*ms, []byte{3}))
	assert.Len(t, r.bodies(message.TypeDataAMF0), 5, "the configuration is written after each change")
	assert.Len(t, r.bodies(message.TypeVideo), 2+3)
	assert.Len(t, r.bodies(message.TypeAudio), 3+3)

	reader := NewReader(&r)
	tracks, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	require.Len(t, tracks, 2)
	a, v := tracks[0], tracks[1]
	next := func(track *Track, changed bool) {
		t.Helper()
		var u Unit
		require.NoError(t, reader.Read(&u))
		require.Same(t, track, u.Track)
		require.Equal(t, changed, u.Changed)
	}
	assert.Equal(t, [2]int{320, 180}, [2]int{v.Width, v.Height}, "the configuration at the beginning")
	next(a, true)
	next(v, true)
	next(v, false)
	assert.Equal(t, 320, v.Width)
	next(v, true)
	assert.Equal(t, [2]int{176, 144}, [2]int{v.Width, v.Height})
	assert.Equal(t, avcSets2, v.ParameterSets)
	assert.Equal(t, 2, a.Channels)
	next(a, true)
	assert.Equal(t, 1, a.Channels)
	next(a, true)
	assert.Equal(t, Opus, a.Codec)
	require.Equal(t, io.EOF, reader.Read(new(Unit)))
}

func TestTimes(t *testing.T) {
	var r recorder
	video := &Track{Codec: H264, ParameterSets: avcSets}
	w := NewWriter(&r, video)
	day := 24 * time.Hour
	for _, at := range []time.Duration{-80 * ms, -40 * ms, 0, 49 * day, 50 * day, 99 * day} {
		require.NoError(t, w.WriteH264(video, at+80*ms, at, parts("6588")))
	}
	reader := NewReader(&r)
	var got []time.Duration
	for _, u := range readAll(t, reader) {
		require.Equal(t, 80*ms, u.pts-u.dts)
		got = append(got, u.dts)
	}
	const wrap = 1 << 32 * ms
	assert.Equal(t, []time.Duration{0, 40 * ms, 80 * ms, 49*day + 80*ms - wrap, 50*day + 80*ms - wrap, 99*day + 80*ms - 2*wrap}, got,
		"a jump of weeks looks like a step back, smaller steps are followed")

	w = NewWriter(&r, video)
	require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
	require.NoError(t, w.WriteH264(video, 10*ms, -20*ms, parts("6588")))
	require.NoError(t, w.WriteH264(video, 40*ms, 60*ms, parts("6588")))
	units := readAll(t, reader)
	assert.Equal(t, [2]time.Duration{10 * ms, 0}, [2]time.Duration{units[1].pts, units[1].dts}, "no unit comes before the beginning")
	assert.Equal(t, [2]time.Duration{40 * ms, 60 * ms}, [2]time.Duration{units[2].pts, units[2].dts}, "a negative composition time")
	require.ErrorContains(t, w.WriteH264(video, 3*time.Hour, 60*ms, parts("6588")), "composition time has more than 24 bits")
}

func TestUnwrapped(t *testing.T) {
	var r recorder
	audio := &Track{Codec: Opus}
	w := NewWriter(&r, audio)
	for at := time.Duration(0); at < 100*24*time.Hour; at += 10 * time.Hour {
		require.NoError(t, w.WriteOpus(audio, at, []byte{1}))
	}
	for i, u := range readAll(t, NewReader(&r)) {
		require.Equal(t, time.Duration(i)*10*time.Hour, u.pts)
	}
}

func TestSeveralTracks(t *testing.T) {
	var r recorder
	tracks := []*Track{{Codec: H264, ParameterSets: avcSets}, {Codec: H265, ParameterSets: hevcSets}, {Codec: AAC, Config: unhex("1210")},
		{Codec: Opus, Channels: 1}, {Codec: H264, ID: 7, ParameterSets: avcSets2}}
	w := NewWriter(&r, tracks...)
	for _, track := range tracks {
		part := parts("6588")
		if track.Codec == H265 {
			part = parts("2601")
		}
		require.NoError(t, w.WriteUnit(&Unit{Track: track, KeyFrame: true, Parts: part}))
	}
	_, values, err := flv.ParseScript(r.packets[0].Body)
	require.NoError(t, err)
	videos, _ := values[0].(amf.ECMAArray).Get("videoTrackIdInfoMap")
	assert.Equal(t, amf.Object{
		{Name: "1", Value: amf.Object{{Name: "width", Value: 322.0}, {Name: "height", Value: 182.0}, {Name: "videocodecid", Value: float64(flv.FourCCHEVC)}}},
		{Name: "7", Value: amf.Object{{Name: "width", Value: 176.0}, {Name: "height", Value: 144.0}, {Name: "videocodecid", Value: float64(flv.FourCCAVC)}}},
	}, videos)

	reader := NewReader(&r)
	found, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	var names []string
	for _, track := range found {
		names = append(names, track.String())
	}
	assert.Equal(t, []string{"video track 0 (H.264)", "video track 1 (H.265)", "audio track 0 (AAC)", "audio track 1 (Opus)", "video track 7 (H.264)"}, names)
	assert.Len(t, readAll(t, reader), 5)
}

func TestAccepts(t *testing.T) {
	var r recorder
	video := &Track{Codec: H265, ParameterSets: hevcSets}
	w := NewWriter(&r, video)
	var asked flv.FourCC
	w.Accepts = func(c flv.FourCC) bool { asked = c; return false }
	requireError(t, "video track 0 (H.265): the peer does not accept this codec", w.WriteHeaders())
	assert.Equal(t, flv.FourCCHEVC, asked)
	assert.Empty(t, r.packets)
}

func TestWriterErrors(t *testing.T) {
	for _, c := range []struct {
		track Track
		unit  Unit
		want  string
	}{
		{Track{}, Unit{}, "audio track 0 (no codec): cannot be written"},
		{Track{Codec: H264, Config: []byte{1, 2}}, Unit{}, "video track 0 (H.264): configuration: flv: offset 0: ends inside AVC configuration, bytes missing: 4: unexpected EOF"},
		{Track{Codec: H264, ParameterSets: parts("68")}, Unit{}, "video track 0 (H.264): configuration: flv: offset 0: number of SPS is not from 1 to 31: 0"},
		{Track{Codec: H264}, Unit{Parts: parts("67")}, "video track 0 (H.264): it needs a Config, ParameterSets or a key frame with parameter sets: no configuration yet"},
		{Track{Codec: H264}, Unit{KeyFrame: true, Parts: parts("67", "68")}, "video track 0 (H.264): parameter sets in a key frame: flv: offset 0: ends inside SPS, bytes missing: 1: unexpected EOF"},
		{Track{Codec: H264, ParameterSets: avcSets}, Unit{}, "video track 0 (H.264): unit is empty or too long, bytes: 0"},
		{Track{Codec: H264, ParameterSets: avcSets}, Unit{Parts: [][]byte{make([]byte, flv.MaxBodySize)}}, "video track 0 (H.264): unit is empty or too long, bytes: 16777219"},
		{Track{Codec: AV1}, Unit{Parts: parts("80")}, "OBU: forbidden bit is set: 128"},
		{Track{Codec: VP9}, Unit{Parts: parts("01", "02")}, "video track 0 (VP9): unit must be one frame, parts: 2"},
		{Track{Codec: AAC}, Unit{Parts: parts("01")}, "audio track 0 (AAC): it needs a Config, or SampleRate and Channels: no configuration yet"},
		{Track{Codec: AAC, Config: []byte{1}}, Unit{Parts: parts("01")}, "audio track 0 (AAC): configuration: flv: offset 0: ends inside AudioSpecificConfig, bytes missing: 1: unexpected EOF"},
		{Track{Codec: MP3}, Unit{Parts: parts("01", "02")}, "audio track 0 (MP3): unit is not one frame, or too long"},
		{Track{Codec: LPCM, SampleRate: 48000, Channels: 2}, Unit{Parts: parts("01")}, "audio track 0 (PCM little-endian): flv: offset 0: sample rate is not one of FLV's: 48000"},
		{Track{Codec: H264, Config: make([]byte, maxConfig+1)}, Unit{}, "video track 0 (H.264): configuration has more than 65536 bytes: 65537"},
	} {
		var r recorder
		c.unit.Track = &c.track
		requireError(t, c.want, NewWriter(&r, &c.track).WriteUnit(&c.unit))
	}
	var many []*Track
	for range maxTracks + 1 {
		many = append(many, &Track{Codec: VP9})
	}
	requireError(t, "tracks: more than: 32", NewWriter(new(recorder), many...).WriteHeaders())
}

type failing struct {
	recorder
	left int
}

var errFull = errors.New("full")

func (f *failing) WritePacket(p *message.Packet) error {
	if f.left--; f.left >= 0 {
		return errFull
	}
	return f.recorder.WritePacket(p)
}

func TestHeadersAreWrittenOnceMoreAfterAnError(t *testing.T) {
	f := &failing{left: 1}
	audio := &Track{Codec: AAC, Config: unhex("1210")}
	w := NewWriter(f, audio)
	require.Equal(t, errFull, w.WriteMPEG4Audio(audio, 0, []byte{1}))
	require.NoError(t, w.WriteMPEG4Audio(audio, 0, []byte{1}))
	assert.Len(t, f.packets, 3)
}

// TestGoroutines writes each track on its own goroutine, as programs with several encoders do.
func TestGoroutines(t *testing.T) {
	var r recorder
	video, audio := &Track{Codec: H264, ParameterSets: avcSets}, &Track{Codec: Opus}
	w := NewWriter(&r, video, audio)
	const units = 100
	done := make(chan error, 2)
	go func() {
		var err error
		for i := range units {
			err = errors.Join(err, w.WriteH264(video, time.Duration(i)*ms, time.Duration(i)*ms, parts("6588")))
		}
		done <- err
	}()
	go func() {
		var err error
		for i := range units {
			err = errors.Join(err, w.WriteOpus(audio, time.Duration(i)*ms, []byte{byte(i)}))
		}
		done <- err
	}()
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	assert.Len(t, readAll(t, NewReader(&r)), 2*units)
}

// TestEmptySequenceHeaders checks that some codecs without a configuration have an empty sequence header, for which some readers wait.
func TestEmptySequenceHeaders(t *testing.T) {
	for _, c := range []struct {
		track Track
		frame []byte
		want  string // first audio message
	}{
		{Track{Codec: AC3}, ac3Frame, "90 61632d33"},
		{Track{Codec: EAC3}, eac3Frame, "90 65632d33"},
		{Track{Codec: MP3, ID: 1}, mp3Frame, "95 00 2e6d7033 01"},
	} {
		var r recorder
		w := NewWriter(&r, &c.track)
		require.NoError(t, w.WriteUnit(&Unit{Track: &c.track, Parts: [][]byte{c.frame}}))
		assert.Equal(t, unhex(c.want), r.bodies(message.TypeAudio)[0])
	}
}

// TestPPSAlone checks that a new PPS without an SPS causes no new configuration, since decoders find it in the frame.
func TestPPSAlone(t *testing.T) {
	var r recorder
	video := &Track{Codec: H264, ParameterSets: avcSets}
	w := NewWriter(&r, video)
	require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
	require.NoError(t, w.WriteH264(video, 0, 0, parts("68cb83cb20", "6588")))
	assert.Len(t, r.bodies(message.TypeVideo), 3, "one configuration, two pictures")
	require.NoError(t, w.WriteH264(video, 0, 0, append(avcSets[:1:1], parts("68cb83cb20", "6588")...)))
	assert.Len(t, r.bodies(message.TypeVideo), 5, "with an SPS, even the same one, all sets are written")
}

// TestSameMetadata checks that metadata is not repeated with a configuration that changes nothing in it.
func TestSameMetadata(t *testing.T) {
	var r recorder
	video := &Track{Codec: H264, ParameterSets: avcSets}
	w := NewWriter(&r, video)
	require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
	require.NoError(t, w.WriteH264(video, 40*ms, 40*ms, [][]byte{avcSets[0], unhex("68ebecb3"), unhex("6588")}))
	assert.Len(t, r.bodies(message.TypeDataAMF0), 1)
	assert.Len(t, r.bodies(message.TypeVideo), 2+2, "two configurations, two pictures")
}
