package flv

import (
	"bytes"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func requireTyped(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		var e *Error
		require.ErrorAs(t, err, &e)
		require.GreaterOrEqual(t, e.Offset, int64(0))
	}
}

// FuzzVideoHeader checks that writing a parsed header gives the same bytes, and that a list of tracks can be joined again.
func FuzzVideoHeader(f *testing.F) {
	for _, seed := range []string{
		"", "17 01 000050 aabb", "17 02", "57 01", "14 35", "90 68766331 01", "a1 61766331 fffffe aa", "d4 68766331 02", "d7 00 ee 31 01",
		"96 01 68766331 07 000050 aa", "96 11 68766331 00 000004 000050 aa 09 000005 ffffff bbcc",
		"96 21 68766331 00 000004 000050 aa 61763031 01 000001 bb", "96 31 aabb",
		"97 02 0f423f 07 ff 0000 ab 11 76703039", "83 61766331 00000002 0605 00000002 6588", "81 76703039 82", "81 61763031" + av1Frame,
	} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := ParseVideoHeader(body)
		requireTyped(t, err)
		if h.IsKeyFrame() && !h.IsFrame() || h.IsFrame() && h.IsSequenceHeader() {
			t.Fatalf("more than one role: %+v", h)
		}
		if err != nil {
			return
		}
		offset := h.ModEx.TimestampOffset()
		require.True(t, 0 <= offset && offset < time.Millisecond, offset)
		b, err := AppendVideoHeader(nil, h)
		require.NoError(t, err)
		if short := !h.Enhanced && h.PacketType == VideoSequenceEnd && len(body) < 5; !short {
			require.Equal(t, body, append(append([]byte{}, b...), h.Data...))
		}
		again, err := ParseVideoHeader(append(b, h.Data...))
		require.NoError(t, err)
		again.Data = h.Data // Data may be nil in one and empty in the other
		require.Equal(t, h, again)

		if tracks := appended(t, h.Tracks(), h.AppendTrack, h.MultitrackType == OneTrack); tracks != nil {
			require.Equal(t, h.Data, tracks)
		}
	})
}

// appended joins the tracks of a message with a list of tracks. It returns nil if a track is damaged, or if single is set: the message then has
// a single track and no list.
func appended[H any](t *testing.T, tracks iter.Seq2[H, error], appendTrack func([]byte, H) ([]byte, error), single bool) []byte {
	list, bad := []byte{}, single
	for track, err := range tracks {
		requireTyped(t, err)
		if bad = bad || err != nil; bad {
			continue
		}
		list, err = appendTrack(list, track)
		require.NoError(t, err)
	}
	if bad {
		return nil
	}
	return list
}

// FuzzAudioHeader is like FuzzVideoHeader, for audio.
func FuzzAudioHeader(f *testing.F) {
	for _, seed := range []string{
		"", "af 01 21", "2a ff", "be", "90 4f707573", "94 6d703461 01 06 0000003f", "95 01 6d703461 01 21",
		"95 11 4f707573 00 000001 fc 01 000000", "95 20 4f707573 00 000000 6d703461 01 000002 1210", "95 f1", "97 02 000001 01 4f707573 fc",
	} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := ParseAudioHeader(body)
		requireTyped(t, err)
		if h.IsFrame() && h.IsSequenceHeader() {
			t.Fatalf("more than one role: %+v", h)
		}
		if err != nil {
			return
		}
		b, err := AppendAudioHeader(nil, h)
		require.NoError(t, err)
		b = append(b, h.Data...)
		if !h.Enhanced && !h.Empty { // if the format has only one rate, its bits may have any value
			require.Equal(t, body[0]&^0x0c, b[0]&^0x0c)
			require.Equal(t, body[1:], b[1:])
		} else {
			require.Equal(t, body, append([]byte{}, b...))
		}
		again, err := ParseAudioHeader(b)
		require.NoError(t, err)
		again.Data = h.Data
		require.Equal(t, h, again)

		if tracks := appended(t, h.Tracks(), h.AppendTrack, h.MultitrackType == OneTrack); tracks != nil {
			require.Equal(t, h.Data, tracks)
		}
	})
}

// FuzzConfigs checks that a parsed width and height are both known or both 0, and that a configuration survives writing and parsing.
func FuzzConfigs(f *testing.F) {
	for _, seed := range []string{
		hevcRecord, hevcMain10, vvcRecord, vvcSublayers, av1Record, av1Frame, vp9Record, vp9Frame420, vp9Frame444, vp8Frame,
		opusStereo, opus51, flacRecord, ac3Frame51, eac3Frame51, mp3Frame48k, "02 04 01 00 fe ff", "01 06 0000003f",
		avcRecords[0].record, avcRecords[4].record, av1Record[8:], "121056e500", "139056e5a0", "eb8a0800", "17 80 5622 90",
	} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		requireSize := func(w, h int) {
			t.Helper()
			require.True(t, w == 0 && h == 0 || w > 0 && h > 0 && w <= maxPictureSize && h <= maxPictureSize, "%dx%d", w, h)
		}
		hevc, err := ParseHEVCConfig(b)
		requireTyped(t, err)
		requireSize(hevc.Width, hevc.Height)
		vvc, err := ParseVVCConfig(b)
		requireTyped(t, err)
		requireSize(vvc.Width, vvc.Height)
		av1, err := ParseAV1Config(b)
		requireTyped(t, err)
		requireSize(av1.Width, av1.Height)
		requireSize(vp9Size(b))
		requireSize(vp8Size(b))
		for _, sound := range []func([]byte) (int, int, bool){parseMP3, parseAC3} {
			rate, channels, ok := sound(b)
			require.True(t, !ok || rate > 0 && channels > 0)
		}
		requireRewritten(t, b)
		if vp, err := ParseVPConfig(b); err == nil {
			again, err := ParseVPConfig(AppendVPConfig(nil, vp))
			require.NoError(t, err)
			require.Equal(t, vp, again)
		}
		if opus, err := ParseOpusHead(b); err == nil {
			again, err := AppendOpusHead(nil, opus)
			require.NoError(t, err)
			require.Equal(t, b[9:len(again)], again[9:]) // the version comes first
		}
		if flac, err := ParseFLACConfig(b); err == nil {
			record, err := AppendFLACConfig(nil, flac.StreamInfo)
			require.NoError(t, err)
			require.True(t, bytes.Contains(b, record[8:]))
		}
		if channels, err := ParseMultichannelConfig(b); err == nil {
			again, err := AppendMultichannelConfig(nil, channels)
			require.NoError(t, err)
			require.Equal(t, b[:len(again)], again)
		}
	})
}

func requireRewritten(t *testing.T, b []byte) {
	t.Helper()
	if c, err := ParseAVCConfig(b); err == nil {
		if record, err := AppendAVCConfig(nil, AVCConfig{SPS: c.SPS, PPS: c.PPS}); err == nil {
			again, err := ParseAVCConfig(record)
			require.NoError(t, err)
			require.Equal(t, [2][][]byte{c.SPS, c.PPS}, [2][][]byte{again.SPS, again.PPS})
			require.Equal(t, [2]int{c.Width, c.Height}, [2]int{again.Width, again.Height})
		}
	}
	if c, err := ParseHEVCConfig(b); err == nil {
		if record, err := AppendHEVCConfig(nil, HEVCConfig{VPS: c.VPS, SPS: c.SPS, PPS: c.PPS}); err == nil {
			again, err := ParseHEVCConfig(record)
			require.NoError(t, err)
			require.Equal(t, [3][][]byte{c.VPS, c.SPS, c.PPS}, [3][][]byte{again.VPS, again.SPS, again.PPS})
			require.Equal(t, [2]int{c.Width, c.Height}, [2]int{again.Width, again.Height})
		}
	}
	if record, err := AppendAV1Config([]byte("x"), AV1Config{OBUs: b}); err == nil {
		c, err := ParseAV1Config(record[1:])
		require.NoError(t, err)
		require.NotZero(t, c.Width)
		again, err := AppendAV1Config([]byte("x"), c)
		require.NoError(t, err)
		require.Equal(t, record, again)
	}
	if c, err := ParseAudioSpecificConfig(b); err == nil {
		if record, err := AppendAudioSpecificConfig(nil, c); err == nil {
			again, err := ParseAudioSpecificConfig(record)
			require.NoError(t, err)
			require.Equal(t, c, again)
		}
	}
}

// FuzzInfo checks that no tag makes the functions that describe a stream panic or return impossible values.
func FuzzInfo(f *testing.F) {
	f.Add(uint8(TagVideo), unhex("90 68766331"+hevcRecord), unhex("a3 68766331"))
	f.Add(uint8(TagVideo), unhex("91 76703039"+vp9Frame420), unhex("91 61763031"+av1Frame))
	f.Add(uint8(TagAudio), unhex("90 4f707573"+opus51), unhex("91 4f707573 fc"))
	f.Add(uint8(TagAudio), unhex("91 61632d33"+ac3Frame51), unhex("94 6d703461 01 06 0000003f"))
	f.Add(uint8(TagScript), unhex("02 000a 6f6e4d65746144617461 03 0005 7769647468 00 4074200000000000 000009"), []byte{})
	f.Fuzz(func(t *testing.T, typ uint8, first, second []byte) {
		var info Info
		for _, body := range [][]byte{first, second} {
			info.Add(Tag{Type: TagType(typ), Body: body})
			require.True(t, info.Width >= 0 && info.Height >= 0 && info.Width <= maxPictureSize && info.Height <= maxPictureSize)
			require.True(t, info.SampleRate >= 0 && info.Channels >= 0 && info.Channels <= 255)
		}
		require.LessOrEqual(t, info.Video.Tracks+info.Audio.Tracks, 256)
		require.NotEmpty(t, info.String())
	})
}
