package bench

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/flac"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
)

// codec describes how frames of one codec are carried. Its messages are composed byte by byte from the FLV and Enhanced RTMP
// specifications, independently of all libraries.
type codec struct {
	name   string
	codec  codecs.Codec
	header []byte // the message with the decoder configuration; nil if there is none
	config [][]byte
	// frame returns the n-th frame in gortmplib's form, its composition time (presentation minus decoding time), and the message.
	frame func(n int) (data [][]byte, cts time.Duration, body []byte)
}

// fourCC is a codec's name in Enhanced RTMP.
type fourCC string

// wire concatenates its arguments: each is a []byte, the value of a byte, a string of hexadecimal digits, or a FourCC.
func wire(parts ...any) (b []byte) {
	for _, part := range parts {
		switch part := part.(type) {
		case []byte:
			b = append(b, part...)
		case int:
			b = append(b, byte(part))
		case fourCC:
			b = append(b, part...)
		case string:
			digits, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
			if err != nil {
				panic(err)
			}
			b = append(b, digits...)
		}
	}
	return b
}

// payload returns the content of the n-th frame, which no test parses. Some contents do not fit into one chunk.
func payload(n int) []byte { return bytes.Repeat([]byte{byte(n), 0xA5, 0x5A}, 50+n*1500) }

// after returns a function that makes frames with one part. Each message begins with head, and each frame with start.
func after(head, start []byte) func(int) ([][]byte, time.Duration, []byte) {
	return func(n int) ([][]byte, time.Duration, []byte) {
		data := wire(start, payload(n))
		return [][]byte{data}, 0, wire(head, data)
	}
}

// nalFrames makes frames of two NAL units. Each NAL unit follows its length. In every second frame, presentation and decoding time
// differ: the message then begins with differ instead of same, and contains the difference in 24 bits.
func nalFrames(same, differ []byte, headers ...int) func(int) ([][]byte, time.Duration, []byte) {
	return func(n int) ([][]byte, time.Duration, []byte) {
		data := [][]byte{wire(headers[0], headers[1], payload(0)), wire(headers[0], headers[1], payload(n))}
		head, cts := same, time.Duration(0)
		if n%2 == 1 {
			head, cts = wire(differ, "00 01 02"), 258*time.Millisecond
		}
		body := slices.Clone(head)
		for _, nalu := range data {
			body = append(body, 0, 0, byte(len(nalu)>>8), byte(len(nalu)))
			body = append(body, nalu...)
		}
		return data, cts, body
	}
}

// Parameter sets of x264 and x265 for 64x64 pixels.
var (
	hevcVPS = wire("40 01 0c 01 ff ff 01 60 00 00 03 00 90 00 00 03 00 00 03 00 1e 95 98 09")
	hevcSPS = wire("42 01 01 01 60 00 00 03 00 90 00 00 03 00 00 03 00 1e a0 20 81 05 96 56 69 24 ca f0 16 80 80 00 00 03 00 80 00 00 0c 84")
	hevcPPS = wire("44 01 c1 72 b4 22 40")
	// The format is in ISO/IEC 14496-15 section 8.3.3. These bytes contain two mistakes of gortmplib 1.0.0, in fields that decoders ignore.
	// It leaves emulation prevention bytes in the constraint flags, the six bytes before the level. It uses two bits instead of three for the
	// number of temporal layers, so that a byte is 13 instead of 0b.
	hevcConfig = wire("01 01 60000000 030090000003 1e f000 fc fd f8 f8 0000 13 03",
		"20 0001", 0, len(hevcVPS), hevcVPS, "21 0001", 0, len(hevcSPS), hevcSPS, "22 0001", 0, len(hevcPPS), hevcPPS)

	avcSPS    = wire("67 42 c0 0a d9 04 26 c0 44 00 00 03 00 04 00 00 03 00 c8 3c 48 99 20")
	avcPPS    = wire("68 cb 83 cb 20")
	avcConfig = wire("01 42 c0 0a ff e1", 0, len(avcSPS), avcSPS, "01", 0, len(avcPPS), avcPPS)

	aacLC = mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2, ChannelCount: 2}

	// gortmplib 1.0.0 writes the numbers in an Opus header in the wrong byte order. These are 312 samples and 48000 Hz.
	opusHead = &opus.IDHeader{Version: 1, ChannelCount: 2, PreSkip: 0x3801, InputSampleRate: 0x80BB0000, ChannelMappingTable: []byte{}}
	flacInfo = &flac.StreamInfo{MinBlockSize: 4608, MaxBlockSize: 4608, SampleRate: 44100, ChannelCount: 2, BitDepth: 16}
)

// codecTable contains the codecs that gortmplib supports, except for AAC and H.264 in their usual form, which are in sample.
var codecTable = []codec{
	{name: "AV1", codec: &codecs.AV1{},
		header: wire(0x80, fourCC("av01"), "81 08 0c 00  0a 0b 00 00 00 42 ab bf c3 70 0b e0 01"),
		frame: func(n int) ([][]byte, time.Duration, []byte) {
			content := payload(n)[:100] // on the wire the OBUs have sizes, and a temporal delimiter precedes them
			return [][]byte{wire("30", content)}, 0, wire(0x83, fourCC("av01"), "12 00", "32 64", content)
		}},
	{name: "VP9", codec: &codecs.VP9{},
		header: wire(0x80, fourCC("vp09"), "01 000000", "00 28 82 02 02 02 0000"),
		frame:  after(wire(0x83, fourCC("vp09")), wire("82 49 83 42"))},
	{name: "HEVC", codec: &codecs.H265{VPS: hevcVPS, SPS: hevcSPS, PPS: hevcPPS},
		header: wire(0x80, fourCC("hvc1"), hevcConfig),
		frame:  nalFrames(wire(0x83, fourCC("hvc1")), wire(0x81, fourCC("hvc1")), 0x26, 0x01)},
	{name: "Opus", codec: &codecs.Opus{IDHeader: opusHead},
		header: wire(0x90, fourCC("Opus"), fourCC("Opus"), fourCC("Head"), "01 02 3801 80bb0000 0000 00"),
		frame:  after(wire(0x91, fourCC("Opus")), wire("fc"))},
	{name: "FLAC", codec: &codecs.FLAC{StreamInfo: flacInfo}, // STREAMINFO alone, as FFmpeg writes it
		header: wire(0x90, fourCC("fLaC"), "1200 1200 000000 000000 0ac442f0 00000000", make([]byte, 16)),
		frame:  after(wire(0x91, fourCC("fLaC")), wire("ff f8"))},
	{name: "AC-3", codec: &codecs.AC3{SampleRate: 44100, ChannelCount: 1},
		header: wire(0x90, fourCC("ac-3")),
		frame:  after(wire(0x91, fourCC("ac-3")), wire("0b 77 c6 72 48 40 2f 84"))},
	{name: "MP3", codec: &codecs.MPEG1Audio{}, frame: after(wire(0x2E), wire("ff fb 50 c4"))},
	{name: "A-law", codec: &codecs.G711{ChannelCount: 1}, frame: after(wire(0x72), nil)},
	{name: "mu-law", codec: &codecs.G711{MULaw: true, ChannelCount: 2}, frame: after(wire(0x83), nil)},
	{name: "PCM", codec: &codecs.LPCM{BitDepth: 16, SampleRate: 22050, ChannelCount: 2},
		frame: func(n int) ([][]byte, time.Duration, []byte) { // gortmplib wants it big-endian
			return [][]byte{wire("1234 5678")}, 0, wire(0x3B, "3412 7856")
		}},
}

// The second track of each kind has the headers of Enhanced RTMP, whatever its codec.
var (
	secondAVC = codec{codec: &codecs.H264{SPS: avcSPS, PPS: avcPPS}, header: wire(0x80, fourCC("avc1"), avcConfig),
		frame: nalFrames(wire(0x83, fourCC("avc1")), wire(0x81, fourCC("avc1")), 0x65, 0x88)}
	secondAAC = codec{codec: &codecs.MPEG4Audio{Config: &aacLC}, header: wire(0x90, fourCC("mp4a"), "12 10"),
		frame: after(wire(0x91, fourCC("mp4a")), wire("21 10"))}
	firstAVC = codec{codec: &codecs.H264{SPS: avcSPS, PPS: avcPPS}, header: wire("17 00 000000", avcConfig),
		config: [][]byte{avcSPS, avcPPS}, frame: nalFrames(wire("17 01 000000"), wire("17 01"), 0x65, 0x88)}
	firstAAC = codec{codec: &codecs.MPEG4Audio{Config: &aacLC}, header: wire("af 00 12 10"),
		frame: after(wire("af 01"), wire("21 10"))}
)

// oneTrack wraps a message of Enhanced RTMP for a track other than the first.
func oneTrack(body []byte, id int) []byte {
	kind := 0x86
	if body[0]&0xF0 == 0x90 {
		kind = 0x95
	}
	return wire(kind, int(body[0]&0x0F), body[1:5], id, body[5:])
}

// build makes a stream of tracks, with video before audio.
func build(name string, list ...codec) stream {
	s := stream{name: name}
	numbers := make(map[message.Type]int)
	kinds, ids := make([]message.Type, len(list)), make([]int, len(list))
	add := func(track int, dts time.Duration, body []byte) {
		if ids[track] > 0 {
			body = oneTrack(body, ids[track])
		}
		s.packets = append(s.packets, rtmp.Packet{Type: kinds[track], Timestamp: uint32(dts.Milliseconds()), Body: body})
	}
	for i, c := range list {
		s.tracks = append(s.tracks, &gortmplib.Track{Codec: c.codec})
		kinds[i] = message.TypeAudio
		if c.codec.IsVideo() {
			kinds[i] = message.TypeVideo
		}
		ids[i] = numbers[kinds[i]]
		numbers[kinds[i]]++
		if c.header != nil {
			add(i, 0, c.header)
		}
		if c.config != nil {
			s.units = append(s.units, unit{track: i, data: c.config, config: true})
		}
	}
	for n := range 6 { // gortmplib's reader begins after two seconds
		dts := time.Duration(n) * 500 * time.Millisecond
		for i, c := range list {
			data, cts, body := c.frame(n)
			add(i, dts, body)
			s.units = append(s.units, unit{track: i, pts: dts + cts, dts: dts, data: data})
		}
	}
	return s
}

// streams returns the streams that are sent in both directions.
func streams(t *testing.T) []stream {
	t.Helper()
	list := []stream{sample(t, 0), sample(t, 1<<24-5000),
		build("several tracks", firstAVC, codecTable[2], codecTable[0], secondAVC, firstAAC, codecTable[3], secondAAC)}
	require.Equal(t, "AV1 HEVC Opus", codecTable[0].name+" "+codecTable[2].name+" "+codecTable[3].name)
	for _, c := range codecTable {
		list = append(list, build(c.name, c))
	}
	return list
}
