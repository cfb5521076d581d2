package flv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

// The bodies are put together by hand from E-RTMP v2, ExVideoTagHeader:
//
//	9 = extended (8) + key frame (1), a = extended + inter frame, d = extended + command, then the packet type;
//	68766331 hvc1, 61766331 avc1, 76766331 vvc1, 61763031 av01, 76703038 vp08, 76703039 vp09
func TestParseExVideoHeader(t *testing.T) {
	ex := func(f FrameType, c FourCC, p VideoPacketType, data string) VideoHeader {
		return VideoHeader{Enhanced: true, FrameType: f, FourCC: c, Codec: videoCodecOf(c), PacketType: p, Data: unhex(data)}
	}
	with := func(h VideoHeader, change func(h *VideoHeader)) VideoHeader {
		change(&h)
		return h
	}
	at := func(ms int32, h VideoHeader) VideoHeader {
		return with(h, func(h *VideoHeader) { h.CompositionTime = ms })
	}
	track := func(id uint8, h VideoHeader) VideoHeader {
		return with(h, func(h *VideoHeader) { h.Multitrack, h.TrackID = true, id })
	}
	list := func(layout MultitrackType, h VideoHeader) VideoHeader {
		return with(h, func(h *VideoHeader) { h.Multitrack, h.MultitrackType = true, layout })
	}
	modEx := func(chain string, h VideoHeader) VideoHeader {
		return with(h, func(h *VideoHeader) { h.ModEx = unhex(chain) })
	}
	key, inter, config := role{frame: true, key: true}, role{frame: true}, role{config: true}
	long := strings.Repeat("ab", 256)

	testVideo(t, []videoCase{
		{"HEVC configuration", "90 68766331 01", ex(FrameKey, FourCCHEVC, VideoSequenceStart, "01"), config},
		{"HEVC key frame", "91 68766331 000050 aabb", at(80, ex(FrameKey, FourCCHEVC, VideoCodedFrames, "aabb")), key},
		{"AVC, composition time -2", "a1 61766331 fffffe aa", at(-2, ex(FrameInter, FourCCAVC, VideoCodedFrames, "aa")), inter},
		{"VVC, composition time lowest", "91 76766331 800000", at(-1<<23, ex(FrameKey, FourCCVVC, VideoCodedFrames, "")), key},
		{"HEVC without composition time", "a3 68766331 aabb", ex(FrameInter, FourCCHEVC, VideoCodedFramesX, "aabb"), inter},
		{"HEVC, nothing in it", "93 68766331", ex(FrameKey, FourCCHEVC, VideoCodedFramesX, ""), key},
		{"AV1 has no composition time", "91 61763031 000050", ex(FrameKey, FourCCAV1, VideoCodedFrames, "000050"), key},
		{"VP9", "a1 76703039 86", ex(FrameInter, FourCCVP9, VideoCodedFrames, "86"), inter},
		{"VP9 CodedFramesX", "93 76703039 82", ex(FrameKey, FourCCVP9, VideoCodedFramesX, "82"), key},
		{"VP8", "91 76703038 10", ex(FrameKey, FourCCVP8, VideoCodedFrames, "10"), key},
		{"key frame of a server", "c1 76703038 10", ex(FrameGeneratedKey, FourCCVP8, VideoCodedFrames, "10"), key},
		{"end, from OBS", "a2 68766331", ex(FrameInter, FourCCHEVC, VideoSequenceEnd, ""), role{}},
		{"metadata, from FFmpeg", "d4 68766331 02 0009 636f6c6f72496e666f 06",
			ex(FrameCommand, FourCCHEVC, VideoMetadata, "02 0009 636f6c6f72496e666f 06"), role{}},
		{"metadata, from OBS", "84 68766331 02", ex(0, FourCCHEVC, VideoMetadata, "02"), role{}},
		{"AV1 descriptor of MPEG-2 TS", "95 61763031 80048100 0c00",
			ex(FrameKey, FourCCAV1, VideoMPEG2TSSequenceStart, "800481000c00"), config},
		{"command: seek begins", "d0 00", VideoHeader{Enhanced: true, FrameType: FrameCommand, Data: []byte{}}, role{}},
		{"command: seek ends", "d1 01 aa", VideoHeader{Enhanced: true, FrameType: FrameCommand, PacketType: VideoCodedFrames, Command: 1,
			Data: []byte{0xaa}}, role{}},
		{"command in a packet of unknown type", "df 01", VideoHeader{Enhanced: true, FrameType: FrameCommand, PacketType: 15, Command: 1,
			Data: []byte{}}, role{}},
		{"command with modifier", "d7 00 ee 31 01", modEx("00 ee 31", VideoHeader{Enhanced: true, FrameType: FrameCommand,
			PacketType: VideoCodedFrames, Command: 1, Data: []byte{}}), role{}},

		{"one track, configuration", "96 00 61763031 02 81", track(2, ex(FrameKey, FourCCAV1, VideoSequenceStart, "81")), config},
		{"one track, frame", "a6 01 68766331 ff 000028 aa", track(255, at(40, ex(FrameInter, FourCCHEVC, VideoCodedFrames, "aa"))), inter},
		{"one track, metadata", "86 04 68766331 01 02", track(1, ex(0, FourCCHEVC, VideoMetadata, "02")), role{}},
		{"many tracks", "96 11 68766331 00 000004 000000 aa 01 000005 000001 bbcc",
			list(ManyTracks, ex(FrameKey, FourCCHEVC, VideoCodedFrames, "00 000004 000000 aa 01 000005 000001 bbcc")), key},
		{"many tracks, none there", "96 10 68766331", list(ManyTracks, ex(FrameKey, FourCCHEVC, VideoSequenceStart, "")), config},
		{"many codecs", "a6 21 68766331 00 000004 000000 aa 61763031 01 000001 bb", list(ManyTracksManyCodecs,
			ex(FrameInter, 0, VideoCodedFrames, "68766331 00 000004 000000 aa 61763031 01 000001 bb")), inter},
		{"layout not known", "96 31 aabbcc", list(3, ex(FrameKey, 0, VideoCodedFrames, "aabbcc")), key},

		{"offset of 999999 ns", "97 02 0f423f 01 68766331 000000 aa",
			modEx("02 0f423f 01", ex(FrameKey, FourCCHEVC, VideoCodedFrames, "aa")), key},
		{"modifier not known", "97 00 ee 30 68766331 01", modEx("00 ee 30", ex(FrameKey, FourCCHEVC, VideoSequenceStart, "01")), config},
		{"chain", "a7 02 000001 07 00 ee f3 68766331 aa",
			modEx("02 000001 07 00 ee f3", ex(FrameInter, FourCCHEVC, VideoCodedFramesX, "aa")), inter},
		{"modifier of 255 bytes", "97 fe " + long[2:] + " 11 76703039",
			modEx("fe "+long[2:]+" 11", ex(FrameKey, FourCCVP9, VideoCodedFrames, "")), key},
		{"modifier of 256 bytes", "97 ff 00ff " + long + " 11 76703039",
			modEx("ff 00ff "+long+" 11", ex(FrameKey, FourCCVP9, VideoCodedFrames, "")), key},
		{"long size of a short modifier", "97 ff 0000 ab 11 76703039", modEx("ff 0000 ab 11", ex(FrameKey, FourCCVP9, VideoCodedFrames, "")), key},
		{"modifier and track", "97 02 000010 06 03 61766331 01 aa",
			modEx("02 000010 06", track(1, ex(FrameKey, FourCCAVC, VideoCodedFramesX, "aa"))), key},

		{"packet type not known", "98 68766331 aa", ex(FrameKey, FourCCHEVC, 8, "aa"), role{}},
		{"packet type not known, one track", "96 0f 68766331 01 aa", track(1, ex(FrameKey, FourCCHEVC, 15, "aa")), role{}},
		{"frame type not known", "f1 76703039 aa", ex(7, FourCCVP9, VideoCodedFrames, "aa"), inter},
		{"codec not known", "91 00000001 aabb", ex(FrameKey, 1, VideoCodedFrames, "aabb"), key},
	})
}

func TestParseExVideoHeaderMalformed(t *testing.T) {
	cut := func(offset int, where string, missing int) string {
		return fmt.Sprintf("flv: offset %d: ends inside %s, bytes missing: %d: unexpected EOF", offset, where, missing)
	}
	testVideoMalformed(t, []malformed{
		{"90", cut(1, "FourCC", 4)},
		{"91 6876", cut(1, "FourCC", 2)},
		{"94 687663", cut(1, "FourCC", 1)},
		{"d4", cut(1, "FourCC", 4)},
		{"91 68766331", cut(5, "composition time", 3)},
		{"91 68766331 0000", cut(5, "composition time", 1)},
		{"d0", cut(1, "video command", 1)},
		{"96", cut(1, "multitrack header", 1)},
		{"96 00 687663", cut(2, "FourCC", 1)},
		{"96 10", cut(2, "FourCC", 4)},
		{"96 00 68766331", cut(6, "track id", 1)},
		{"96 01 68766331 01 00", cut(7, "composition time", 2)},
		{"96 06 68766331 01", "flv: offset 1: invalid packet type for the tracks of a multitrack message: 0x6"},
		{"96 27 68766331 01", "flv: offset 1: invalid packet type for the tracks of a multitrack message: 0x7"},
		{"97", cut(1, "ModEx", 1)},
		{"97 02 0000", cut(1, "ModEx", 2)},
		{"97 02 000000", cut(1, "ModEx", 1)},
		{"97 fe", cut(1, "ModEx", 256)},
		{"97 ff", cut(1, "size of ModEx", 2)},
		{"97 ff ff", cut(1, "size of ModEx", 1)},
		{"97 ff ffff", cut(1, "ModEx", 65537)},
		{"97 00 aa 07", cut(4, "ModEx", 1)},
		{"97 00 aa 07 00 aa", cut(4, "ModEx", 1)},
		{"97 00 aa 01 68", cut(4, "FourCC", 3)},
		{"97 00 aa 06", cut(4, "multitrack header", 1)},
		{"d7 00 aa 01", cut(4, "video command", 1)},
	})
}

// TestVideoMetadata checks that a metadata packet is read and written in the format of script data.
func TestVideoMetadata(t *testing.T) {
	color := amf.Object{
		{Name: "colorConfig", Value: amf.Object{{Name: "bitDepth", Value: 10.0}, {Name: "transferCharacteristics", Value: 16.0}}},
		{Name: "hdrCll", Value: amf.Object{{Name: "maxFall", Value: 400.0}, {Name: "maxCLL", Value: 1000.0}}},
	}
	for _, value := range []any{color, amf.Undefined} { // amf.Undefined revokes the color information
		body, err := AppendVideoHeader(nil, VideoHeader{Enhanced: true, FrameType: FrameCommand, FourCC: FourCCHEVC, PacketType: VideoMetadata})
		require.NoError(t, err)
		assert.Equal(t, unhex("d4 68766331"), body)
		body, err = AppendScript(body, "colorInfo", value)
		require.NoError(t, err)

		h, err := ParseVideoHeader(body)
		require.NoError(t, err)
		assert.Equal(t, VideoMetadata, h.PacketType)
		name, values, err := ParseScript(h.Data)
		require.NoError(t, err)
		assert.Equal(t, "colorInfo", name)
		assert.Equal(t, []any{value}, values)
	}
}
