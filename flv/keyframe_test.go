package flv

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIsKeyFrameByPicture checks messages with frame type 0, for which IsKeyFrame inspects the pictures.
func TestIsKeyFrameByPicture(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       bool
	}{
		{"AVC IDR", "83 61766331 00000002 6588", true},
		{"AVC IDR after SEI and SPS", "83 61766331 00000002 0605 00000003 674d40 00000002 6588", true},
		{"AVC slice", "83 61766331 00000002 419a", false},
		{"AVC slice before IDR", "83 61766331 00000002 419a 00000002 6588", false},
		{"AVC without slice", "83 61766331 00000002 0605", false},
		{"AVC empty NAL unit", "83 61766331 00000000 00000002 6588", true},
		{"AVC NAL unit of one byte", "83 61766331 00000001 09 00000002 6588", true},
		{"AVC NAL unit cut", "83 61766331 ffffffff 0605", false},
		{"AVC length cut", "83 61766331 00000002 0605 0000", false},
		{"AVC composition time", "81 61766331 000050 00000002 6588", true},
		{"HEVC IDR", "83 68766331 00000002 2601", true},
		{"HEVC CRA after parameter sets", "83 68766331 00000002 4001 00000002 2a01", true},
		{"HEVC first type of IRAP", "83 68766331 00000002 2001", true},
		{"HEVC last type of IRAP", "83 68766331 00000002 2e01", true},
		{"HEVC empty NAL unit", "83 68766331 00000000 00000002 2601", true},
		{"HEVC trailing picture", "83 68766331 00000002 0201", false},
		{"VVC IDR", "83 76766331 00000002 0039", true},
		{"VVC CRA", "83 76766331 00000002 0049", true},
		{"VVC operating point before IDR", "83 76766331 00000002 0061 00000002 0039", true},
		{"VVC GDR", "83 76766331 00000002 0051", false},
		{"VVC trailing picture after a parameter set", "83 76766331 00000002 0079 00000002 0001", false},
		{"AV1", "81 61763031 1200" + av1Frame, true},
		{"AV1 inter", "81 61763031 3202 3000", false},
		{"AV1 shows a frame again", "81 61763031 1a01 80", false},
		{"AV1 frame without data", "81 61763031 3200", false},
		{"AV1 malformed", "81 61763031 80", false},
		{"AV1 nothing", "81 61763031", false},
		{"VP8", "81 76703038 10", true},
		{"VP8 inter", "81 76703038 11", false},
		{"VP8 nothing", "81 76703038", false},
		{"VP9", "81 76703039 82", true},
		{"VP9 profile 3", "81 76703039 b1", true},
		{"VP9 inter", "81 76703039 86", false},
		{"VP9 shows a frame again", "81 76703039 88", false},
		{"VP9 nothing", "81 76703039", false},
		{"codec not known", "81 7a7a7a7a 10", false},
		{"one track, from gortmplib", "86 03 68766331 01 00000002 2601", true},
		{"all tracks", "86 23 61766331 00 000006 00000002 6588 76703039 01 000001 82", true},
		{"not all tracks", "86 23 61766331 00 000006 00000002 6588 76703039 01 000001 86", false},
		{"no track", "86 23", false},
		{"tracks cut", "86 23 61766331 00 000006 00000002 6588 76", false},
		{"configuration", "80 61766331 01", false},
		{"the frame type says no", "a3 61766331 00000002 6588", false},
		{"the frame type says yes", "93 61766331 00000002 419a", true},
		{"old form", "07 01 000000 00000002 6588", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ParseVideoHeader(unhex(c.body))
			require.NoError(t, err)
			assert.Equal(t, c.want, h.IsKeyFrame())
		})
	}
}

// TestHeadersAllocate checks that the functions that are called for every message do not allocate.
func TestHeadersAllocate(t *testing.T) {
	buf := make([]byte, 0, 1024)
	for _, body := range []string{
		"17 00 000000 01", "27 01 000050 aabb", "90 68766331 01", "91 68766331 000050 aabb", "d4 68766331 02", "d1 01",
		"96 11 68766331 00 000004 000000 aa 01 000005 000001 bbcc",
		"a6 21 68766331 00 000004 000000 aa 61763031 01 000001 bb",
		"97 02 0f423f 07 00 ee 16 01 68766331 01 000000 aa",
		"83 61766331 00000002 0605 00000002 6588", "81 61763031 " + av1Frame, "81 76703039 82",
		"86 23 61766331 00 000006 00000002 6588 76703039 01 000001 82",
	} {
		b := unhex(body)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			h, err := ParseVideoHeader(b)
			if err != nil || h.IsFrame() && h.IsSequenceHeader() || h.IsKeyFrame() && !h.IsFrame() {
				panic(body)
			}
			for track := range h.Tracks() {
				buf = append(buf[:0], track.Data...)
			}
			if h.ModEx.TimestampOffset() < 0 {
				panic(body)
			}
			if buf, err = AppendVideoHeader(buf[:0], h); err != nil {
				panic(err)
			}
		}), body)
	}
	for _, body := range []string{"af 01 21", "90 4f707573", "95 11 4f707573 00 000001 fc 01 000000", "97 00 ee f5 01 4f707573 07 fc"} {
		b := unhex(body)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			h, err := ParseAudioHeader(b)
			if err != nil || h.IsFrame() && h.IsSequenceHeader() {
				panic(body)
			}
			for track := range h.Tracks() {
				buf = append(buf[:0], track.Data...)
			}
			if buf, err = AppendAudioHeader(buf[:0], h); err != nil {
				panic(err)
			}
		}), body)
	}
}
