package media

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWriterReportsMistakes checks the errors for units that must be converted before they can be written.
func TestWriterReportsMistakes(t *testing.T) {
	avc, hevc := &Track{Codec: H264, ParameterSets: avcSets}, &Track{Codec: H265, ParameterSets: hevcSets}
	bare, aac := &Track{Codec: H264}, &Track{Codec: AAC, Config: unhex("1210")}
	unset, half := &Track{Codec: AAC}, &Track{Codec: AAC, SampleRate: 44100}
	flac, vvc := &Track{Codec: FLAC}, &Track{Codec: H266}
	const severalPictures = ": unit contains more than one picture: an AccessUnitScanner splits a byte stream"
	const withStartCode = ": NAL unit begins with a start code: SplitAnnexB removes it"
	const withADTS = "audio track 0 (AAC): frame has an ADTS header: ParseADTS or an ADTSScanner removes it"
	for _, c := range []struct {
		name, want string
		track      *Track
		parts      [][]byte
	}{
		{"two pictures", "video track 0 (H.264)" + severalPictures, avc, parts("6588", "4188")},
		{"pictures with delimiters", "video track 0 (H.264)" + severalPictures, avc, parts("0910", "4188", "0910", "4188")},
		{"pictures of H.265", "video track 0 (H.265)" + severalPictures, hevc, parts("2601af", "0201d0")},
		{"start code of three bytes", "video track 0 (H.264)" + withStartCode, bare, parts("0000016588")},
		{"start code of four bytes", "video track 0 (H.265)" + withStartCode, hevc, parts("000000012601af")},
		{"start code, H.266", "video track 0 (H.266)" + withStartCode, vvc, parts("000000010079")},
		{"no parameter sets", "video track 0 (H.264): it needs a Config, ParameterSets or a key frame with parameter sets: no configuration yet", bare, parts("6588")},
		{"no STREAMINFO", "audio track 0 (FLAC): it needs a Config: no configuration yet", flac, parts("fff8")},
		{"no Config of H.266", "video track 0 (H.266): it needs a Config: no configuration yet", vvc, parts("0079")},
		{"no rate", "audio track 0 (AAC): it needs a Config, or SampleRate and Channels: no configuration yet", unset, parts("21")},
		{"no channels", "audio track 0 (AAC): it needs a Config, or SampleRate and Channels: no configuration yet", half, parts("21")},
		{"ADTS", withADTS, aac, parts("fff15080017ffcdeadbeef")},
		{"two frames of ADTS", withADTS, aac, parts("fff15080017ffcdeadbeeffff15080017ffcdeadbeef")},
		{"a header of ADTS alone", withADTS, aac, parts("fff1508000fffc")},
		{"ADTS, no rate", withADTS, unset, parts("fff15080017ffcdeadbeef")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r recorder
			w := NewWriter(&r, c.track)
			write := map[Codec]func() error{
				H264: func() error { return w.WriteH264(c.track, 0, 0, c.parts) },
				H265: func() error { return w.WriteH265(c.track, 0, 0, c.parts) },
				H266: func() error { return w.WriteH266(c.track, 0, 0, c.parts) },
				AAC:  func() error { return w.WriteMPEG4Audio(c.track, 0, c.parts[0]) },
				FLAC: func() error { return w.WriteFLAC(c.track, 0, c.parts[0]) },
			}[c.track.Codec]
			requireError(t, c.want, write())
			assert.Empty(t, r.packets)
		})
	}
}

// interlacedSPS is an SPS of x264 for interlaced video of 320x180 pixels: a picture may be coded as two fields.
const interlacedSPS = "67640015acd941433f260220000003002000000643e28532c0"

// TestWriterAcceptsSimilarUnits checks valid units that are similar to the invalid ones of TestWriterReportsMistakes.
func TestWriterAcceptsSimilarUnits(t *testing.T) {
	var r recorder
	avc, fields, aac := &Track{Codec: H264, ParameterSets: avcSets}, &Track{Codec: H264}, &Track{Codec: AAC, Config: unhex("1210")}
	w := NewWriter(&r, avc, fields, aac)
	require.NoError(t, w.WriteH264(avc, 0, 0, parts("0910", "6580", "6540", "6560", "0cff")), "slices of one picture")
	interlaced := append(parts(interlacedSPS, "68fba3cb22c0"), parts("6580", "4180")...)
	require.NoError(t, w.WriteH264(fields, 0, 0, interlaced), "both fields of a picture, as MP4 has them")
	requireError(t, "video track 0 (H.264): unit contains more than one picture: an AccessUnitScanner splits a byte stream",
		w.WriteH264(fields, 0, 0, parts("4180", "4180", "4180")))
	require.NoError(t, w.WriteMPEG4Audio(aac, 0, unhex("fff15080017ffcdeadbe")), "sync word, but another size")
	require.NoError(t, w.WriteUnit(&Unit{Track: avc, Parts: parts("4180", "4180")}), "frame with an ADTS header from a Reader")
}
