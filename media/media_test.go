package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder keeps packets, and gives them out again.
type recorder struct {
	packets []message.Packet
	next    int
	end     error // behind the last
}

func (r *recorder) WritePacket(p *message.Packet) error {
	kept := *p
	kept.Body = bytes.Clone(p.Body)
	r.packets = append(r.packets, kept)
	return nil
}

// ReadPacket reuses the memory of the body, as a Stream does.
func (r *recorder) ReadPacket(p *message.Packet) error {
	if r.next == len(r.packets) {
		if r.end != nil {
			return r.end
		}
		return io.EOF
	}
	body := append(p.Body[:0], r.packets[r.next].Body...)
	*p = r.packets[r.next]
	p.Body = body
	r.next++
	return nil
}

// bodies returns the packets of a kind.
func (r *recorder) bodies(kind message.Type) (bodies [][]byte) {
	for _, p := range r.packets {
		if p.Type == kind {
			bodies = append(bodies, p.Body)
		}
	}
	return bodies
}

// unit is a Unit that is kept.
type unit struct {
	track    string
	pts, dts time.Duration
	key      bool
	changed  bool
	parts    [][]byte
}

func keep(u *Unit) unit {
	k := unit{track: u.Track.String(), pts: u.PTS, dts: u.DTS, key: u.KeyFrame, changed: u.Changed}
	for _, p := range u.Parts {
		k.parts = append(k.parts, bytes.Clone(p))
	}
	return k
}

func readAll(t *testing.T, r *Reader) (units []unit) {
	t.Helper()
	for {
		var u Unit
		err := r.Read(&u)
		if err == io.EOF {
			return units
		}
		require.NoError(t, err)
		units = append(units, keep(&u))
	}
}

const ms = time.Millisecond

// What x264, x265, libaom and libvpx made of pictures with 322x182 pixels.
var (
	avcSets   = parts("674d400ceca0a0cfcf8088000003000800000301 9078a14cb0", "68ebecb2") // 320x180
	avcSets2  = parts("6742c00bd902c4ec0440000003004000000c83c50a92", "68cb83cb20")      // 176x144
	hevcSets  = parts("40010c01ffff01600000030090000003000003003c959809", "42010101600000030090000003000003003ca00a480b9c9596566924caf0168080000003008000000302 84", "4401c172b46240")
	vp9Key    = unhex("824983420014100b560838241c184a00")
	vp9Inter  = unhex("86 00 40 92")
	vp8Key    = unhex("3059009d012a4201b600000708858858")
	av1Key    = parts(sequenceHeader, "3206 1400a0b010b4")
	av1Inter  = parts("3204 3000a0b0")
	flacInfo  = unhex("120012000000780005110bb802f0000012c0ba43705036a3bb057849a9f54f6928a3")
	ac3Frame  = unhex("0b77b50b1e40ebf8403eff99ff0841fc")
	eac3Frame = unhex("0b77037f3f87c00020f8200002004000")
	mp3Frame  = unhex("fffb54c4 0000")
)

func TestHEVCSample(t *testing.T) {
	config, err := H265.configOf(hevcSets, nil)
	require.NoError(t, err)
	var track = Track{Codec: H265}
	_, err = track.configure(config)
	require.NoError(t, err)
	require.Equal(t, 322, track.Width)
}

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
		{a, 0, 0, true, false, parts("2101")},
		{v, 80 * ms, 0, true, false, idr},
		{v, 160 * ms, 40 * ms, false, false, p},
		{a, 23 * ms, 23 * ms, true, false, parts("2102")},
		{v, 120 * ms, 80 * ms, false, false, b},
	}, readAll(t, reader))
	again, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	assert.Equal(t, tracks, again)
}

// TestCodecs writes and reads each codec, with both forms of headers and as a second track.
func TestCodecs(t *testing.T) {
	opus, err := flv.AppendOpusHead(nil, flv.OpusHead{Channels: 2})
	require.NoError(t, err)
	flac, err := flv.AppendFLACConfig(nil, flacInfo)
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		track  Track
		want   Track // of the reader; Config and ParameterSets are compared if they are there
		units  [][][]byte
		first  string // the first bytes of the second unit's message
		legacy string // the same with HeadersLegacy, "" if that is an error
	}{
		{"H.264", Track{Codec: H264, ParameterSets: avcSets}, Track{Width: 320, Height: 180, ParameterSets: avcSets},
			[][][]byte{parts("6588"), parts("4188")}, "27 01 000000", "27 01 000000"},
		{"H.264 in band", Track{Codec: H264}, Track{Width: 320, Height: 180, ParameterSets: avcSets},
			[][][]byte{append(avcSets[:2:2], parts("6588")...), parts("4188")}, "27 01 000000", "27 01 000000"},
		{"H.265", Track{Codec: H265, ParameterSets: hevcSets}, Track{Width: 322, Height: 182, ParameterSets: hevcSets},
			[][][]byte{parts("2601aa"), parts("0201bb")}, "a3 68766331", "2c 01 000000"},
		{"AV1", Track{Codec: AV1}, Track{Width: 322, Height: 182, ParameterSets: parts(sequenceHeader)},
			[][][]byte{av1Key, av1Inter}, "a1 61763031", "2d 01 000000"},
		{"VP8", Track{Codec: VP8}, Track{Width: 322, Height: 182}, [][][]byte{{vp8Key}, parts("3159")}, "a1 76703038", ""},
		{"VP9", Track{Codec: VP9}, Track{Width: 322, Height: 182}, [][][]byte{{vp9Key}, {vp9Inter}}, "a1 76703039", ""},
		{"AAC", Track{Codec: AAC, Config: unhex("1190")}, Track{SampleRate: 48000, Channels: 2, Config: unhex("1190")},
			[][][]byte{parts("21"), parts("22")}, "af 01 22", "af 01 22"},
		{"MP3", Track{Codec: MP3}, Track{SampleRate: 48000, Channels: 1}, [][][]byte{{mp3Frame}, {mp3Frame}}, "2e", "2e"},
		{"Opus", Track{Codec: Opus, Config: opus}, Track{SampleRate: 48000, Channels: 2, Config: opus},
			[][][]byte{parts("fc01"), parts("fc02")}, "91 4f707573", "df"},
		{"FLAC", Track{Codec: FLAC, Config: flacInfo}, Track{SampleRate: 48000, Channels: 2, SampleSize: 16, Config: flac},
			[][][]byte{parts("fff801"), parts("fff802")}, "91 664c6143", ""},
		{"AC-3", Track{Codec: AC3}, Track{SampleRate: 48000, Channels: 6}, [][][]byte{{ac3Frame}, {ac3Frame}}, "91 61632d33", ""},
		{"E-AC-3", Track{Codec: EAC3}, Track{SampleRate: 48000, Channels: 6}, [][][]byte{{eac3Frame}, {eac3Frame}}, "91 65632d33", ""},
		{"A-law", Track{Codec: ALaw}, Track{SampleRate: 8000, Channels: 1, SampleSize: 16}, [][][]byte{parts("d5d5"), parts("55")}, "72", "72"},
		{"mu-law", Track{Codec: MuLaw, Channels: 2}, Track{SampleRate: 8000, Channels: 2, SampleSize: 16}, [][][]byte{parts("ffff"), parts("7f")}, "83", "83"},
		{"LPCM", Track{Codec: LPCM, SampleRate: 22050, SampleSize: 8, Channels: 1}, Track{SampleRate: 22050, Channels: 1, SampleSize: 8},
			[][][]byte{parts("80"), parts("81")}, "38", "38"},
	} {
		write := func(t *testing.T, form HeaderForm, id uint8) (*recorder, error) {
			var r recorder
			track := c.track
			track.ID = id
			w := NewWriter(&r, &track)
			w.Headers = form
			for i, parts := range c.units {
				at := time.Duration(i) * 40 * ms
				if err := w.WriteUnit(&Unit{Track: &track, PTS: at, DTS: at, KeyFrame: i == 0 || !track.IsVideo(), Parts: parts}); err != nil {
					return &r, err
				}
			}
			return &r, w.Close()
		}
		read := func(t *testing.T, r *recorder, id uint8) {
			reader := NewReader(r)
			tracks, err := reader.Tracks(context.Background())
			require.NoError(t, err)
			require.Len(t, tracks, 1)
			got := *tracks[0]
			want := c.want
			want.Codec, want.ID, want.video = c.track.Codec, id, c.track.Codec.IsVideo()
			if want.Config == nil {
				got.Config = nil
			}
			if want.ParameterSets == nil {
				got.ParameterSets = nil
			}
			assert.Equal(t, want, got)
			for i, u := range readAll(t, reader) {
				at := time.Duration(i) * 40 * ms
				assert.Equal(t, unit{tracks[0].String(), at, at, i == 0 || !tracks[0].IsVideo(), false, c.units[i]}, u)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			r, err := write(t, HeadersAuto, 0)
			require.NoError(t, err)
			bodies := slices.Concat(r.bodies(message.TypeVideo), r.bodies(message.TypeAudio))
			has := func(b []byte) bool {
				return bytes.HasPrefix(b, unhex(c.first)) && bytes.HasSuffix(b, c.units[1][len(c.units[1])-1])
			}
			assert.True(t, slices.ContainsFunc(bodies, has), "%x", bodies)
			read(t, r, 0)
		})
		t.Run(c.name+", enhanced", func(t *testing.T) {
			r, err := write(t, HeadersEnhanced, 0)
			require.NoError(t, err)
			read(t, r, 0)
		})
		t.Run(c.name+", legacy", func(t *testing.T) {
			r, err := write(t, HeadersLegacy, 0)
			if c.legacy == "" {
				require.ErrorContains(t, err, "needs the headers of Enhanced RTMP")
				return
			}
			require.NoError(t, err)
			bodies := slices.Concat(r.bodies(message.TypeVideo), r.bodies(message.TypeAudio))
			has := func(b []byte) bool { return bytes.HasPrefix(b, unhex(c.legacy)) }
			assert.True(t, slices.ContainsFunc(bodies, has), "%x", bodies)
			if c.name != "Opus" { // which has no configuration there
				read(t, r, 0)
			}
		})
		t.Run(c.name+", second track", func(t *testing.T) {
			r, err := write(t, HeadersAuto, 1)
			if c.track.Codec < firstFourCC {
				require.ErrorContains(t, err, "only the first track of its kind can have this codec")
				return
			}
			require.NoError(t, err)
			read(t, r, 1)
		})
	}
}

// TestMethods calls each by its name, with the codec that it is for and with another.
func TestMethods(t *testing.T) {
	one := func(f func(w *Writer, t *Track, pts time.Duration, frame []byte) error, frame []byte) func(w *Writer, t *Track) error {
		return func(w *Writer, t *Track) error { return f(w, t, 0, frame) }
	}
	au := func(f func(w *Writer, t *Track, pts, dts time.Duration, au [][]byte) error, au [][]byte) func(w *Writer, t *Track) error {
		return func(w *Writer, t *Track) error { return f(w, t, 0, 0, au) }
	}
	vvc := unhex("ff 0011 5f 01 02 43 80 00 0780 0438 0000 00")
	for _, c := range []struct {
		track Track
		write func(w *Writer, t *Track) error
	}{
		{Track{Codec: H264, ParameterSets: avcSets}, au((*Writer).WriteH264, parts("6588"))},
		{Track{Codec: H265, ParameterSets: hevcSets}, au((*Writer).WriteH265, parts("2601"))},
		{Track{Codec: H266, Config: vvc}, au((*Writer).WriteH266, parts("0039aa"))},
		{Track{Codec: AV1}, func(w *Writer, t *Track) error { return w.WriteAV1(t, 0, av1Key) }},
		{Track{Codec: VP8}, one((*Writer).WriteVP8, vp8Key)},
		{Track{Codec: VP9}, one((*Writer).WriteVP9, vp9Key)},
		{Track{Codec: AAC, Config: unhex("1190")}, one((*Writer).WriteMPEG4Audio, []byte{1})},
		{Track{Codec: MP3}, one((*Writer).WriteMP3, mp3Frame)},
		{Track{Codec: Opus}, one((*Writer).WriteOpus, []byte{1})},
		{Track{Codec: FLAC, Config: flacInfo}, one((*Writer).WriteFLAC, []byte{1})},
		{Track{Codec: AC3}, one((*Writer).WriteAC3, ac3Frame)},
		{Track{Codec: EAC3}, one((*Writer).WriteEAC3, eac3Frame)},
		{Track{Codec: ALaw}, one((*Writer).WriteG711, []byte{1})},
		{Track{Codec: MuLaw}, one((*Writer).WriteG711, []byte{1})},
		{Track{Codec: LPCM, SampleRate: 44100, Channels: 2}, one((*Writer).WriteLPCM, []byte{1, 2})},
	} {
		t.Run(c.track.Codec.String(), func(t *testing.T) {
			var r recorder
			w := NewWriter(&r, &c.track)
			require.NoError(t, c.write(w, &c.track))
			reader := NewReader(&r)
			units := readAll(t, reader)
			require.Len(t, units, 1)
			assert.True(t, units[0].key)
			assert.True(t, units[0].changed, "a track that nobody has asked for")

			other := &Track{Codec: H264}
			if c.track.Codec == H264 {
				other.Codec = AAC
			}
			err := c.write(NewWriter(&r, other), other)
			require.ErrorContains(t, err, "unit is of")
			require.ErrorContains(t, c.write(NewWriter(&r), &c.track), "not a track of this Writer")
		})
	}
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
	audio.Config[1] = 0x08 // mono, in place
	require.NoError(t, w.WriteMPEG4Audio(audio, 80*ms, []byte{2}))
	audio.Codec, audio.Config = Opus, nil
	require.NoError(t, w.WriteOpus(audio, 120*ms, []byte{3}))
	assert.Len(t, r.bodies(message.TypeDataAMF0), 5, "with each change")
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
	assert.Equal(t, [2]int{320, 180}, [2]int{v.Width, v.Height}, "what it is at first")
	next(a, false)
	next(v, false)
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
		"jumps of weeks are taken for steps back, steps are followed")

	w = NewWriter(&r, video)
	require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
	require.NoError(t, w.WriteH264(video, 10*ms, -20*ms, parts("6588")))
	require.NoError(t, w.WriteH264(video, 40*ms, 60*ms, parts("6588")))
	units := readAll(t, reader)
	assert.Equal(t, [2]time.Duration{10 * ms, 0}, [2]time.Duration{units[1].pts, units[1].dts}, "not in front of the beginning")
	assert.Equal(t, [2]time.Duration{40 * ms, 60 * ms}, [2]time.Duration{units[2].pts, units[2].dts}, "a negative composition time")
	require.ErrorContains(t, w.WriteH264(video, 3*time.Hour, 60*ms, parts("6588")), "composition time has more than 24 bits")
}

// TestUnwrapped follows a stream of 100 days.
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

// TestManyTracksInOneMessage reads what only others write.
func TestManyTracksInOneMessage(t *testing.T) {
	h := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, Multitrack: true, MultitrackType: flv.ManyTracksManyCodecs}
	message2 := func(kind flv.VideoPacketType, avc, vp9 []byte) message.Packet {
		h.PacketType = kind
		body, err := flv.AppendVideoHeader(nil, h)
		require.NoError(t, err)
		body, err = h.AppendTrack(body, flv.VideoHeader{FourCC: flv.FourCCAVC, Data: avc})
		require.NoError(t, err)
		body, err = h.AppendTrack(body, flv.VideoHeader{FourCC: flv.FourCCVP9, TrackID: 1, Data: vp9})
		require.NoError(t, err)
		return message.Packet{Type: message.TypeVideo, Body: body}
	}
	config, err := H264.configOf(avcSets, nil)
	require.NoError(t, err)
	r := recorder{packets: []message.Packet{
		message2(flv.VideoSequenceStart, config, nil),
		message2(flv.VideoCodedFrames, AppendAVCC(nil, parts("6588")), vp9Key),
		message2(flv.VideoCodedFrames, unhex("00000009 65"), vp9Key),
	}}
	reader := NewReader(&r)
	var u Unit
	for _, want := range []string{"video track 0 (H.264)", "video track 1 (VP9)", "video track 1 (VP9)"} {
		require.NoError(t, reader.Read(&u))
		assert.Equal(t, want, u.Track.String())
	}
	requireError(t, "video track 0 (H.264): media: length-prefixed NAL units: cut within a NAL unit of bytes: 9: unexpected EOF", reader.Read(&u))
	require.Equal(t, io.EOF, reader.Read(&u))
}

func TestFile(t *testing.T) {
	var file bytes.Buffer
	video := &Track{Codec: H264, ParameterSets: avcSets}
	w := NewFileWriter(flv.NewWriter(&file), video)
	require.NoError(t, w.WriteHeaders())
	require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
	require.NoError(t, w.Close())
	assert.Equal(t, flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true}), file.Bytes()[:13])
	reader := NewFileReader(flv.NewReader(&file))
	tracks, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	require.Len(t, tracks, 1)
	assert.Len(t, readAll(t, reader), 1)

	_, err = NewFileReader(flv.NewReader(bytes.NewReader([]byte("RIFF.....")))).Tracks(context.Background())
	var e *flv.Error
	require.ErrorAs(t, err, &e)
}

func TestAccepts(t *testing.T) {
	var r recorder
	video := &Track{Codec: H265, ParameterSets: hevcSets}
	w := NewWriter(&r, video)
	var asked flv.FourCC
	w.Accepts = func(c flv.FourCC) bool { asked = c; return false }
	requireError(t, "video track 0 (H.265): the other side does not take this codec", w.WriteHeaders())
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
		{Track{Codec: H264, Config: []byte{1, 2}}, Unit{}, "video track 0 (H.264): configuration: flv: offset 0: cut within AVC configuration, bytes missing: 4: unexpected EOF"},
		{Track{Codec: H264, ParameterSets: parts("68")}, Unit{}, "video track 0 (H.264): configuration: flv: offset 0: number of SPS is not within 1 and 31: 0"},
		{Track{Codec: H264}, Unit{Parts: parts("67")}, "video track 0 (H.264): no configuration yet"},
		{Track{Codec: H264}, Unit{KeyFrame: true, Parts: parts("67", "68")}, "video track 0 (H.264): parameter sets in a key frame: flv: offset 0: cut within SPS, bytes missing: 1: unexpected EOF"},
		{Track{Codec: H264, ParameterSets: avcSets}, Unit{}, "video track 0 (H.264): unit is empty or too long, bytes: 0"},
		{Track{Codec: H264, ParameterSets: avcSets}, Unit{Parts: [][]byte{make([]byte, flv.MaxBodySize)}}, "video track 0 (H.264): unit is empty or too long, bytes: 16777219"},
		{Track{Codec: AV1}, Unit{Parts: parts("80")}, "OBU: forbidden bit is set: 128"},
		{Track{Codec: VP9}, Unit{Parts: parts("01", "02")}, "video track 0 (VP9): unit is not one frame, but: 2"},
		{Track{Codec: AAC}, Unit{Parts: parts("01")}, "audio track 0 (AAC): no configuration yet"},
		{Track{Codec: AAC, Config: []byte{1}}, Unit{Parts: parts("01")}, "audio track 0 (AAC): configuration: flv: offset 0: cut within AudioSpecificConfig, bytes missing: 1: unexpected EOF"},
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

// failing takes no packet at the first try.
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
