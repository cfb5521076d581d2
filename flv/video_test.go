package flv

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// role is how programs that store, drop and repeat messages treat a message.
type role struct{ frame, key, config bool }

type videoCase struct {
	name, body string
	want       VideoHeader
	role       role
}

// testVideo parses the bodies, and checks that writing the results gives the same bodies.
func testVideo(t *testing.T, cases []videoCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := unhex(c.body)
			h, err := ParseVideoHeader(body)
			require.NoError(t, err)
			assert.Equal(t, c.want, h)
			assert.Equal(t, c.role, role{h.IsFrame(), h.IsKeyFrame(), h.IsSequenceHeader()})

			b, err := AppendVideoHeader([]byte("x"), h)
			require.NoError(t, err)
			assert.Equal(t, append([]byte("x"), body...), append(b, h.Data...))
		})
	}
}

func testVideoMalformed(t *testing.T, cases []malformed) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.body, func(t *testing.T) {
			_, err := ParseVideoHeader(unhex(c.body))
			requireError(t, err, c.want)
		})
	}
}

type malformed struct{ body, want string }

func TestParseVideoHeader(t *testing.T) {
	avc := func(f FrameType, p VideoPacketType, compositionTime int32, data ...byte) VideoHeader {
		return VideoHeader{FrameType: f, Codec: VideoAVC, FourCC: FourCCAVC, PacketType: p, CompositionTime: compositionTime,
			Data: append([]byte{}, data...)}
	}
	old := func(f FrameType, c VideoCodec, data ...byte) VideoHeader {
		return VideoHeader{FrameType: f, Codec: c, PacketType: VideoCodedFrames, Data: append([]byte{}, data...)}
	}
	testVideo(t, []videoCase{
		{"empty", "", VideoHeader{Empty: true}, role{}},
		{"AVC configuration", "17 00 000000 01", avc(FrameKey, VideoSequenceStart, 0, 1), role{config: true}},
		{"AVC key frame", "17 01 000050 aabb", avc(FrameKey, VideoCodedFrames, 80, 0xaa, 0xbb), role{frame: true, key: true}},
		{"composition time -1", "27 01 ffffff", avc(FrameInter, VideoCodedFrames, -1), role{frame: true}},
		{"composition time highest", "27 01 7fffff", avc(FrameInter, VideoCodedFrames, 1<<23-1), role{frame: true}},
		{"composition time lowest", "27 01 800000", avc(FrameInter, VideoCodedFrames, -1<<23), role{frame: true}},
		{"AVC end", "17 02 000000", avc(FrameKey, VideoSequenceEnd, 0), role{}},
		{"AVC packet type not known", "17 07 000000", avc(FrameKey, 7, 0), role{}},
		{"AVC packet type of Enhanced RTMP", "17 03 000000", avc(FrameKey, VideoCodedFramesX, 0), role{}},
		{"HEVC", "1c 01 000001 aa", VideoHeader{FrameType: FrameKey, Codec: VideoHEVC, FourCC: FourCCHEVC,
			PacketType: VideoCodedFrames, CompositionTime: 1, Data: []byte{0xaa}}, role{frame: true, key: true}},
		{"AV1", "1d 00 000000 81", VideoHeader{FrameType: FrameKey, Codec: VideoAV1, FourCC: FourCCAV1,
			PacketType: VideoSequenceStart, Data: []byte{0x81}}, role{config: true}},
		{"VP6", "14 35 aa", old(FrameKey, VideoVP6, 0x35, 0xaa), role{frame: true, key: true}},
		{"H.263", "32", old(FrameDisposableInter, VideoSorensonH263), role{frame: true}},
		{"key frame of a server", "42 00", old(FrameGeneratedKey, VideoSorensonH263, 0), role{frame: true, key: true}},
		{"command", "57 01", VideoHeader{FrameType: FrameCommand, Codec: VideoAVC, FourCC: FourCCAVC, PacketType: VideoCodedFrames,
			Command: 1, Data: []byte{}}, role{}},
		{"codec not known", "1f", old(FrameKey, 15), role{frame: true, key: true}},
		{"frame type not known", "72 00", old(7, VideoSorensonH263, 0), role{frame: true}},
	})

	h, err := ParseVideoHeader(unhex("17 02"))
	require.NoError(t, err, "the end of a sequence may be short")
	assert.Equal(t, VideoHeader{FrameType: FrameKey, Codec: VideoAVC, FourCC: FourCCAVC, PacketType: VideoSequenceEnd}, h)
}

func TestParseVideoHeaderMalformed(t *testing.T) {
	for _, c := range []struct {
		body    string
		missing int64
	}{
		{"17", 4}, {"17 00", 3}, {"17 01 00", 2}, {"17 01 0000", 1}, {"2c 01 0000", 1}, {"52", 1}, {"57", 1},
	} {
		_, err := ParseVideoHeader(unhex(c.body))
		requireCut(t, err, 0, c.missing)
	}
}

func TestAppendVideoHeaderMalformed(t *testing.T) {
	avc := VideoHeader{FrameType: FrameKey, Codec: VideoAVC, PacketType: VideoCodedFrames}
	hevc := VideoHeader{Enhanced: true, FrameType: FrameKey, FourCC: FourCCHEVC, PacketType: VideoCodedFrames}
	for _, c := range []struct {
		name   string
		h      VideoHeader
		change func(h *VideoHeader)
		want   string
	}{
		{"frame type", avc, func(h *VideoHeader) { h.FrameType = 8 }, "frame type has more than three bits: 0x8"},
		{"codec", avc, func(h *VideoHeader) { h.Codec = 16 }, "video codec has more than four bits: 0x10"},
		{"ModEx", avc, func(h *VideoHeader) { h.ModEx = ModEx{0, 0, 0} }, "ModEx and multitrack need the header of Enhanced RTMP"},
		{"multitrack", avc, func(h *VideoHeader) { h.Multitrack = true }, "ModEx and multitrack need the header of Enhanced RTMP"},
		{"composition time too high", avc, func(h *VideoHeader) { h.CompositionTime = 1 << 23 },
			"composition time has more than 24 bits: 8388608"},
		{"composition time too low", hevc, func(h *VideoHeader) { h.CompositionTime = -1<<23 - 1 },
			"composition time has more than 24 bits: -8388609"},
		{"composition time of a codec without", avc, func(h *VideoHeader) { h.Codec, h.CompositionTime = VideoVP6, 1 },
			"composition time in a packet without one: 1"},
		{"composition time of AV1", hevc, func(h *VideoHeader) { h.FourCC, h.CompositionTime = FourCCAV1, 1 },
			"composition time in a packet without one: 1"},
		{"composition time of CodedFramesX", hevc, func(h *VideoHeader) { h.PacketType, h.CompositionTime = VideoCodedFramesX, -1 },
			"composition time in a packet without one: -1"},
		{"composition time of a command", hevc, func(h *VideoHeader) { h.FrameType, h.CompositionTime = FrameCommand, 1 },
			"composition time in a packet without one: 1"},
		{"composition time of a list", hevc, func(h *VideoHeader) {
			h.Multitrack, h.MultitrackType, h.CompositionTime = true, ManyTracks, 1
		}, "composition time in a packet without one: 1"},
		{"packet type", hevc, func(h *VideoHeader) { h.PacketType = 16 },
			"packet type cannot be written; ModEx and multitrack have fields of their own: 0x10"},
		{"packet type multitrack", hevc, func(h *VideoHeader) { h.PacketType = 6 },
			"packet type cannot be written; ModEx and multitrack have fields of their own: 0x6"},
		{"packet type ModEx", hevc, func(h *VideoHeader) { h.PacketType = 7 },
			"packet type cannot be written; ModEx and multitrack have fields of their own: 0x7"},
		{"packet type of a command", hevc, func(h *VideoHeader) { h.FrameType, h.PacketType = FrameCommand, 7 },
			"packet type of a command cannot be written: 0x7"},
		{"multitrack type", hevc, func(h *VideoHeader) { h.Multitrack, h.MultitrackType = true, 16 },
			"multitrack type has more than four bits: 0x10"},
		{"cut ModEx", hevc, func(h *VideoHeader) { h.ModEx = ModEx{2, 0, 0} }, "ModEx to be written is malformed: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change(&c.h)
			b, err := AppendVideoHeader([]byte("x"), c.h)
			requireError(t, err, "flv: offset 0: "+c.want)
			assert.Equal(t, []byte("x"), b)
		})
	}
}

func TestVideoCodecNames(t *testing.T) {
	assert.Equal(t, "H.264", VideoAVC.String())
	assert.Equal(t, "video codec 9", VideoCodec(9).String())
	for _, c := range []struct{ body, want string }{
		{"17 02", "H.264"}, {"1c 02", "H.265"}, {"1d 02", "AV1"}, {"19", "video codec 9"}, {"91 76703039", "VP9"}, {"91 00000001", "0x00000001"},
		{"96 20", ""},
	} {
		h, err := ParseVideoHeader(unhex(c.body))
		require.NoError(t, err)
		assert.Equal(t, c.want, h.CodecName(), c.body)
	}
}
