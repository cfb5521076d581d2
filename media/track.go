package media

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
)

// What a configuration may have. Those of H.264 have a hundred bytes and two sets.
const (
	maxConfig = 64 << 10 // bytes
	maxSets   = 400      // H.264 allows 31 and 255
)

// Track says what one of a stream's pictures or sounds is. Fields that are not known are zero.
type Track struct {
	// Codec is the only field that a [Writer] always needs.
	Codec Codec

	// ID is the number of Enhanced RTMP; the first video and the first audio track, 0, are those that everybody understands. A
	// Writer numbers tracks itself where two of a kind have the same.
	ID uint8

	Width, Height int // pixels

	SampleRate, Channels int // Hz; what a decoder puts out
	SampleSize           int // bits, of LPCM 8 or 16

	// Config is the configuration that a decoder needs first, as MP4 and libavcodec's extradata have it too: the record of H.264
	// (avcC), H.265 and H.266, from a Reader for lengths of four bytes as [AppendAVCC] writes them, of AV1, VP8 and VP9; AAC's
	// AudioSpecificConfig, Opus's OpusHead, FLAC's STREAMINFO after "fLaC" and a header.
	Config []byte

	// ParameterSets are the same as units, for decoders that take Annex B or OBUs: VPS, SPS and PPS as NAL units without start
	// codes, the sequence header of AV1. A Writer makes a Config of them where there is none.
	ParameterSets [][]byte

	video      bool // told by the stream, of codecs that are not known
	interlaced bool // told by the configuration: a unit may have two pictures, the fields
}

// IsVideo reports whether the track has a video codec; otherwise it has an audio codec.
func (t *Track) IsVideo() bool { return t.video || t.Codec.IsVideo() }

// String describes the track: "video track 0 (H.264)".
func (t *Track) String() string {
	kind := "audio"
	if t.IsVideo() {
		kind = "video"
	}
	return fmt.Sprintf("%s track %d (%s)", kind, t.ID, t.Codec)
}

// fail returns an error about the track.
func (t *Track) fail(detail string, err error) error {
	return &Error{Where: t.String(), Detail: detail, Err: err}
}

// configure sets what a configuration tells, of which it keeps a copy. lengthSize is that of NAL units. Of a configuration that is
// hostile or broken nothing is set.
func (t *Track) configure(config []byte) (lengthSize int, err error) {
	if len(config) > maxConfig {
		return 0, &Error{Where: t.String(), Detail: "configuration has more than 65536 bytes", Value: len(config)}
	}
	n := *t
	n.Config, n.ParameterSets = bytes.Clone(config), nil
	if lengthSize, err = n.parseConfig(); err == nil && len(n.ParameterSets) > maxSets {
		err = &Error{Where: "parameter sets", Detail: "more than 400", Value: len(n.ParameterSets)}
	}
	if err != nil {
		return 0, t.fail("configuration", err)
	}
	*t = n
	return lengthSize, nil
}

// parseConfig reads t.Config, of which ParameterSets become views, and says in it that NAL units have lengths of four bytes.
func (t *Track) parseConfig() (lengthSize int, err error) {
	const fourBytes = 3
	switch t.Codec {
	case H264:
		var c flv.AVCConfig
		if c, err = flv.ParseAVCConfig(t.Config); err == nil {
			lengthSize, t.Width, t.Height, t.interlaced = c.NALLengthSize, c.Width, c.Height, c.Interlaced
			t.ParameterSets = slices.Concat(c.SPS, c.PPS)
			t.Config[4] |= fourBytes
		}
	case H265:
		var c flv.HEVCConfig
		if c, err = flv.ParseHEVCConfig(t.Config); err == nil {
			lengthSize, t.Width, t.Height = c.NALLengthSize, c.Width, c.Height
			t.ParameterSets = slices.Concat(c.VPS, c.SPS, c.PPS)
			t.Config[21] |= fourBytes
		}
	case H266:
		var c flv.VVCConfig
		if c, err = flv.ParseVVCConfig(t.Config); err == nil {
			lengthSize, t.Width, t.Height = c.NALLengthSize, c.Width, c.Height
			t.ParameterSets = c.Sets
			t.Config[0] |= fourBytes << 1
		}
	case AV1:
		var c flv.AV1Config
		if c, err = flv.ParseAV1Config(t.Config); err == nil {
			t.Width, t.Height = c.Width, c.Height
			t.ParameterSets, err = SplitOBUs(nil, c.OBUs)
		}
	case AAC, Opus, FLAC:
		err = t.parseSound()
	}
	t.ParameterSets = slices.DeleteFunc(t.ParameterSets, func(set []byte) bool { return len(set) == 0 })
	return lengthSize, err
}

func (t *Track) parseSound() (err error) {
	switch t.Codec {
	case AAC:
		var c flv.AudioSpecificConfig
		if c, err = flv.ParseAudioSpecificConfig(t.Config); err == nil {
			t.SampleRate, t.Channels = c.SampleRate, c.Channels
		}
	case Opus:
		if t.SampleRate = flv.OpusSampleRate; len(t.Config) > 0 { // which it may do without
			var h flv.OpusHead
			h, err = flv.ParseOpusHead(t.Config)
			t.Channels = h.Channels
		}
	case FLAC:
		var c flv.FLACConfig
		if c, err = flv.ParseFLACConfig(t.Config); err == nil {
			t.SampleRate, t.SampleSize, t.Channels = c.SampleRate, c.SampleSize, c.Channels
			t.Config, err = flv.AppendFLACConfig(nil, c.StreamInfo) // however short it came
		}
	}
	return err
}

// same reports whether a decoder of t would do for u.
func (t *Track) same(u *Track) bool {
	return t.Codec == u.Codec && t.Width == u.Width && t.Height == u.Height && t.SampleRate == u.SampleRate &&
		t.Channels == u.Channels && t.SampleSize == u.SampleSize && bytes.Equal(t.Config, u.Config)
}
