package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

func videoPacket(at time.Duration, body string) message.Packet {
	return message.Packet{Type: message.TypeVideo, Timestamp: uint32(at / ms), Body: unhex(body)}
}

func audioPacket(at time.Duration, body string) message.Packet {
	return message.Packet{Type: message.TypeAudio, Timestamp: uint32(at / ms), Body: unhex(body)}
}

func metadataPacket(t *testing.T, properties ...amf.Property) message.Packet {
	body, err := flv.AppendScript(nil, "@setDataFrame", "onMetaData", amf.ECMAArray(properties))
	require.NoError(t, err)
	return message.Packet{Type: message.TypeDataAMF0, Body: body}
}

const avcRecord = "014d400cffe10019674d400ceca0a0cfcf8088000003000800000301 9078a14cb0 01000468ebecb2"

// TestTolerance checks that a Reader can read some unusual messages.
func TestTolerance(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets []message.Packet
		want    []unit
	}{
		{"lengths of two bytes", []message.Packet{videoPacket(0, "1700000000 014d400cfde1"+avcRecord[12:]), videoPacket(0, "1701000000 0002 6588 0001 06")},
			[]unit{{"video track 0 (H.264)", 0, 0, true, true, parts("6588", "06")}}},
		{"empty messages, ends of sequence and commands", []message.Packet{videoPacket(0, ""), audioPacket(0, ""), videoPacket(0, "1700000000"+avcRecord),
			videoPacket(0, "5700"), videoPacket(0, "1702000000"), videoPacket(0, "1701000000"), videoPacket(40*ms, "1701000000 00000002 6588")},
			[]unit{{"video track 0 (H.264)", 40 * ms, 40 * ms, true, true, parts("6588")}}},
		{"parameter sets in key frames only", []message.Packet{videoPacket(0, "2701000000 00000002 4188"),
			videoPacket(0, "1701000000 00000019 674d400ceca0a0cfcf8088000003000800000301 9078a14cb0 00000004 68ebecb2 00000002 6588")},
			[]unit{{"video track 0 (H.264)", 0, 0, true, true, append(avcSets[:2:2], parts("6588")...)}}},
		{"a key frame that is not marked as one", []message.Packet{videoPacket(0, "90 76703039 01000000000b820202020000"), videoPacket(0, "81 76703039 824983420014100b560838241c184a00")},
			[]unit{{"video track 0 (VP9)", 0, 0, true, true, [][]byte{vp9Key}}}},
		{"AV1 with delimiters", []message.Packet{videoPacket(0, "91 61763031 1200"+sequenceHeader+"3206 1400a0b010b4"), videoPacket(0, "a1 61763031 1200 3204 3000a0b0")},
			[]unit{{"video track 0 (AV1)", 0, 0, true, true, av1Key}, {"video track 0 (AV1)", 0, 0, false, false, av1Inter}}},
		{"nanoseconds", []message.Packet{audioPacket(20*ms, "97 02 0000fa 01 4f707573 fc")},
			[]unit{{"audio track 0 (Opus)", 20*ms + 250, 20 * ms, true, true, parts("fc")}}},
		{"an unknown codec", []message.Packet{videoPacket(0, "a1 6e657731 aa"), videoPacket(0, "91 6e657731 bb")},
			[]unit{{"video track 0 (new1)", 0, 0, true, true, parts("bb")}}},
		{"Speex and Sorenson", []message.Packet{audioPacket(0, "b2 aa"), videoPacket(0, "22 aa"), videoPacket(0, "12 bb")},
			[]unit{{"audio track 0 (Speex)", 0, 0, true, true, parts("aa")}, {"video track 0 (Sorenson H.263)", 0, 0, true, true, parts("bb")}}},
		{"other messages", []message.Packet{{Type: message.TypeCommandAMF0, Body: []byte{1}}, {Type: message.TypeDataAMF0, Body: []byte{1}}, {Type: message.TypeDataAMF3}},
			nil},
		{"a FourCC that is a number", []message.Packet{audioPacket(0, "72 aa")}, []unit{{"audio track 0 (G.711 A-law)", 0, 0, true, true, parts("aa")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, readAll(t, NewReader(&recorder{packets: c.packets})))
		})
	}
	r := recorder{packets: []message.Packet{audioPacket(0, "91 00000207 aa")}}
	requireError(t, "audio track 0 (no codec): FourCC is not text", NewReader(&r).Read(new(Unit)))
	r = recorder{packets: []message.Packet{audioPacket(0, "91 4f707573 fc"), audioPacket(20, "91 00000207 aa"), audioPacket(40, "91 4f707573 fc")}}
	reader, u := NewReader(&r), Unit{}
	require.NoError(t, reader.Read(&u))
	requireError(t, "audio track 0 (no codec): FourCC is not text", reader.Read(new(Unit)))
	require.NoError(t, reader.Read(&u))
	require.Equal(t, Opus, u.Track.Codec)
	require.False(t, u.Changed, "a message with an invalid FourCC does not change the track")
}

// TestMetadataInAV1Configuration checks that only the sequence header counts as a parameter set, even if a configuration begins with
// metadata.
func TestMetadataInAV1Configuration(t *testing.T) {
	const metadata = "2a020100"
	track := Track{Codec: AV1}
	_, err := track.configure(unhex("81000c00" + metadata + sequenceHeader + metadata))
	require.NoError(t, err)
	assert.Equal(t, parts(sequenceHeader), track.ParameterSets)
}

// TestLengthsOfFourBytes checks that a Reader's configurations have lengths of four bytes, whatever size the stream uses.
func TestLengthsOfFourBytes(t *testing.T) {
	r := recorder{packets: []message.Packet{videoPacket(0, "1700000000 014d400cfd"+avcRecord[10:]), videoPacket(0, "1701000000 0002 6588")}}
	reader := NewReader(&r)
	tracks, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	assert.Equal(t, unhex(avcRecord), tracks[0].Config)
	var again recorder
	w := NewWriter(&again, &Track{Codec: H264, Config: unhex("014d400cfd" + avcRecord[10:])})
	require.NoError(t, w.WriteHeaders())
	assert.Equal(t, unhex("1700000000"+avcRecord), again.packets[1].Body)
}

// TestMetadataFillsIn checks that the metadata supplies the properties that a codec does not reveal.
func TestMetadataFillsIn(t *testing.T) {
	number := func(name string, n float64) amf.Property { return amf.Property{Name: name, Value: n} }
	r := recorder{packets: []message.Packet{
		metadataPacket(t, number("width", 640), number("height", 480), number("audiosamplerate", 1e300), amf.Property{Name: "stereo", Value: true}),
		videoPacket(0, "14 aa"), audioPacket(0, "b2 aa")}}
	tracks, err := NewReader(&r).Tracks(context.Background())
	require.NoError(t, err)
	assert.Equal(t, [2]int{640, 480}, [2]int{tracks[0].Width, tracks[0].Height})
	assert.Equal(t, [2]int{16000, 1}, [2]int{tracks[1].SampleRate, tracks[1].Channels}, "the stream takes precedence")
}

func TestHostileConfigurations(t *testing.T) {
	many := unhex("01600000000000000000000000 f000 fc fd f8 f8 0000 0f 07")
	for range 7 {
		many = append(append(many, 0x20, 0, 64), bytes.Repeat([]byte{0, 1, 0x40}, 64)...)
	}
	for name, body := range map[string][]byte{
		"cut":                      unhex("1700000000 014d400cffe10019674d"),
		"noise in place of an SPS": unhex("1700000000 014d400cffe1000267ff0100"),
		"long":                     append(unhex("90 6e657731"), make([]byte, maxConfig+1)...),
		"many sets":                append(unhex("90 68766331"), many...),
		"AV1":                      unhex("90 61763031 81000c00 80"),
		"VVC":                      unhex("90 76766331 ff"),
	} {
		t.Run(name, func(t *testing.T) {
			r := recorder{packets: []message.Packet{{Type: message.TypeVideo, Body: body}, audioPacket(0, "af001210"), audioPacket(0, "af0121")}}
			reader := NewReader(&r)
			var u Unit
			err := reader.Read(&u)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.NoError(t, reader.Read(&u))
			assert.Equal(t, AAC, u.Track.Codec)
		})
	}
}

// TestBrokenConfigurationKeepsTheOldOne checks that units after an invalid configuration are read with the last valid one.
func TestBrokenConfigurationKeepsTheOldOne(t *testing.T) {
	r := recorder{packets: []message.Packet{audioPacket(0, "af001210"), audioPacket(0, "af0121"), audioPacket(0, "af0016"), audioPacket(0, "af0122")}}
	reader := NewReader(&r)
	var u Unit
	require.NoError(t, reader.Read(&u))
	require.Error(t, reader.Read(&u))
	require.NoError(t, reader.Read(&u))
	assert.False(t, u.Changed)
	assert.Equal(t, 44100, u.Track.SampleRate)
}

func TestTooManyTracks(t *testing.T) {
	var r recorder
	for id := range maxTracks + 1 {
		r.packets = append(r.packets, message.Packet{Type: message.TypeAudio, Body: append(unhex("95 01 4f707573"), byte(id), 0xfc)})
	}
	reader := NewReader(&r)
	for range maxTracks {
		require.NoError(t, reader.Read(new(Unit)))
	}
	requireError(t, "audio track 32 (Opus): too many tracks, limit: 32", reader.Read(new(Unit)))
	require.Equal(t, io.EOF, reader.Read(new(Unit)))
}

// TestTooManyUnits checks that a Reader returns the maximum number of units of a message, and then an error.
func TestTooManyUnits(t *testing.T) {
	for _, head := range []string{"95 11 4f707573", "96 11 76703038"} {
		p := message.Packet{Type: message.TypeAudio, Body: append(unhex(head), bytes.Repeat(unhex("00 000001 fc"), 1000)...)}
		if head[1] == '6' {
			p.Type = message.TypeVideo
			p.Body = append(unhex("96 11 76703038"), bytes.Repeat(append(unhex("00 000010"), vp8Key...), 1000)...)
		}
		reader := NewReader(&recorder{packets: []message.Packet{p}})
		for range maxUnitsPerMessage {
			require.NoError(t, reader.Read(new(Unit)))
		}
		require.ErrorContains(t, reader.Read(new(Unit)), "too many units in a message, limit: 64")
		require.Equal(t, io.EOF, reader.Read(new(Unit)))
	}
}

type loop struct {
	packets []message.Packet
	next    int
}

func (l *loop) ReadPacket(p *message.Packet) error {
	from := &l.packets[l.next%len(l.packets)]
	body := append(p.Body[:0], from.Body...)
	*p = *from
	p.Body, p.Timestamp = body, uint32(l.next)*20
	l.next++
	return nil
}

type discard struct{}

func (discard) WritePacket(*message.Packet) error { return nil }

func TestNothingIsAllocatedPerUnit(t *testing.T) {
	for _, c := range []struct {
		track Track
		units [][][]byte
	}{
		{Track{Codec: H264, ParameterSets: avcSets}, [][][]byte{append(avcSets[:2:2], parts("6588")...), parts("06aa", "4188")}},
		{Track{Codec: H265, ParameterSets: hevcSets}, [][][]byte{append(hevcSets[:3:3], parts("2601aa")...), parts("0201bb")}},
		{Track{Codec: AV1}, [][][]byte{av1Key, av1Inter}},
		{Track{Codec: VP8}, [][][]byte{{vp8Key}, parts("3159")}},
		{Track{Codec: VP9}, [][][]byte{{vp9Key}, {vp9Inter}}},
		{Track{Codec: AAC, Config: unhex("1190")}, [][][]byte{parts("21")}},
		{Track{Codec: MP3}, [][][]byte{{mp3Frame}}},
		{Track{Codec: Opus}, [][][]byte{parts("fc")}},
		{Track{Codec: FLAC, Config: flacInfo}, [][][]byte{parts("ff")}},
		{Track{Codec: AC3}, [][][]byte{{ac3Frame}}},
		{Track{Codec: ALaw}, [][][]byte{parts("d5")}},
	} {
		t.Run(c.track.Codec.String(), func(t *testing.T) {
			var r recorder
			w, silent := NewWriter(&r, &c.track), NewWriter(discard{}, &c.track)
			i := 0
			write := func(w *Writer) {
				u := Unit{Track: &c.track, PTS: time.Duration(i) * 20 * ms, DTS: time.Duration(i) * 20 * ms, Parts: c.units[i%len(c.units)]}
				if c.track.IsVideo() {
					require.NoError(t, w.video(u.Track, u.Track.Codec, u.PTS, u.DTS, u.Parts))
				} else {
					require.NoError(t, w.frame(u.Track, u.Track.Codec, u.PTS, u.Parts[0]))
				}
				i++
			}
			for range 2 {
				write(w)
			}
			i = 0
			assert.Zero(t, testing.AllocsPerRun(100, func() { write(silent) }), "writing")

			source := &loop{packets: r.packets}
			reader := NewReader(source)
			var u Unit
			for source.next < len(r.packets) {
				require.NoError(t, reader.Read(&u))
			}
			source.packets, source.next = r.packets[len(r.packets)-2:], 0 // the headers have been read; only the last two packets repeat
			assert.Zero(t, testing.AllocsPerRun(100, func() { require.NoError(t, reader.Read(&u)) }), "reading")
		})
	}
}

// FuzzReader checks that no message causes a panic, and that the units that are read can be written and read again.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"09 1700000000" + avcRecord, "09 1701000000 00000002 6588", "08 af001210", "08 af0121", "09 90 68766331 01", "09 91 61763031 1200" + sequenceHeader,
		"09 91 76703039 824983420014100b560838241c184a00", "08 90 4f707573", "08 94 4f707573 01 06 0000003f", "08 95 01 6d703461 01 21", "08 72 aa",
		"12 02000a6f6e4d65746144617461 03 0005 7769647468 00 4074200000000000 000009",
	} {
		b := unhex(seed)
		f.Add(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		var r recorder
		for len(stream) > 3 { // the stream consists of a size, a type and a body for each message
			n := 2 + max(1, min(int(binary.BigEndian.Uint16(stream)), len(stream)-2))
			r.packets = append(r.packets, message.Packet{Type: message.Type(stream[2]), Timestamp: uint32(len(stream)), Body: stream[3:max(3, n)]})
			stream = stream[n:]
		}
		for _, ask := range []bool{false, true} {
			r.next = 0
			reader := NewReader(&r)
			if ask {
				tracks, err := reader.Tracks(context.Background())
				requireTyped(t, err)
				require.True(t, err != nil || len(tracks) > 0)
			}
			var again recorder
			var w *Writer
			var written []unit
			for {
				var u Unit
				err := reader.Read(&u)
				if err == io.EOF {
					break
				}
				requireTyped(t, err)
				if err != nil {
					continue
				}
				require.NotEmpty(t, u.Parts)
				if w == nil {
					w = NewWriter(&again, u.Track)
				}
				if w.tracks[0].track == u.Track && w.WriteUnit(&u) == nil {
					written = append(written, keep(&u))
				}
			}
			if len(written) == 0 || w.tracks[0].track.Codec == AV1 { // units of AV1 change, since a Writer adds sizes to the OBUs
				continue
			}
			copied := NewReader(&again)
			for _, want := range written {
				var u Unit
				require.NoError(t, copied.Read(&u))
				require.Equal(t, want.parts, keep(&u).parts)
				require.Equal(t, want.key, u.KeyFrame)
			}
		}
	})
}
