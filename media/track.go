package media

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/obu"
)

// Limits of a configuration. One of H.264 typically has a hundred bytes and two parameter sets.
const (
	maxConfig = 64 << 10 // bytes
	maxSets   = 400      // H.264 allows 31 SPS and 255 PPS
)

// Track describes one video or audio track of a stream. Fields that are unknown are zero.
type Track struct {
	// Codec is the only field that a [Writer] needs for every codec.
	Codec Codec

	// ID is the track id of Enhanced RTMP. The first video track and the first audio track have the id 0, which every player supports. If
	// an earlier track of the same kind has the id, a Writer uses the next free one.
	ID uint8

	Width, Height int // pixels

	SampleRate, Channels int // sample rate in Hz and number of channels, both of the decoder's output
	SampleSize           int // in bits, for LPCM: 8 or 16

	// Config is the configuration that a decoder needs first, in the format of MP4 and of libavcodec's extradata: the configuration record
	// of H.264 (avcC), H.265, H.266, AV1, VP8 or VP9, the AudioSpecificConfig of AAC, the OpusHead of Opus, or, for FLAC, "fLaC", a block
	// header and STREAMINFO. In a Reader's records NAL units have lengths of four bytes, as [AppendAVCC] writes them.
	Config []byte

	// ParameterSets are the parameter sets in Config, for decoders of Annex B or OBUs: VPS, SPS and PPS as NAL units without start codes,
	// or the sequence header of AV1. If Config is nil, a Writer makes the configuration from them.
	ParameterSets [][]byte

	video      bool // the stream says that the track is video; used for unknown codecs
	interlaced bool // a unit may contain two pictures, the fields of a frame
}

// IsVideo reports whether the track is a video track rather than an audio track.
func (t *Track) IsVideo() bool { return t.video || t.Codec.IsVideo() }

// String describes the track, for example "video track 0 (H.264)".
func (t *Track) String() string {
	kind := "audio"
	if t.IsVideo() {
		kind = "video"
	}
	return fmt.Sprintf("%s track %d (%s)", kind, t.ID, t.Codec)
}

func (t *Track) fail(detail string, err error) error {
	return &Error{Where: t.String(), Detail: detail, Err: err}
}

// configure sets Config to a copy of config, and the fields that follow from it. lengthSize is the size of NAL unit lengths in bytes. An
// invalid config changes nothing.
func (t *Track) configure(config []byte) (lengthSize int, err error) {
	if len(config) > maxConfig {
		return 0, &Error{Where: t.String(), Detail: "configuration has more than 65536 bytes", Value: len(config)}
	}
	n := *t
	n.Config, n.ParameterSets = bytes.Clone(config), nil
	if lengthSize, err = n.parseConfig(); err == nil && len(n.ParameterSets) > maxSets {
		err = &Error{Where: "parameter sets", Detail: "more than 400 sets", Value: len(n.ParameterSets)}
	}
	if err != nil {
		return 0, t.fail("configuration", err)
	}
	*t = n
	return lengthSize, nil
}

// parseConfig parses t.Config, and makes ParameterSets slices of t.Config. It changes the size of NAL unit lengths that t.Config announces to
// four bytes.
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
			t.ParameterSets = slices.DeleteFunc(t.ParameterSets, func(b []byte) bool { return obu.Type(b) != obu.SequenceHeader }) // no metadata
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
		if t.SampleRate = flv.OpusSampleRate; len(t.Config) > 0 { // Opus does not need a configuration
			var h flv.OpusHead
			h, err = flv.ParseOpusHead(t.Config)
			t.Channels = h.Channels
		}
	case FLAC:
		var c flv.FLACConfig
		if c, err = flv.ParseFLACConfig(t.Config); err == nil {
			t.SampleRate, t.SampleSize, t.Channels = c.SampleRate, c.SampleSize, c.Channels
			t.Config, err = flv.AppendFLACConfig(nil, c.StreamInfo) // always in the full form, even if the stream omits parts of it
		}
	}
	return err
}

// compatible reports whether a decoder that was set up for t can decode u.
func (t *Track) compatible(u *Track) bool {
	return t.Codec == u.Codec && t.Width == u.Width && t.Height == u.Height && t.SampleRate == u.SampleRate &&
		t.Channels == u.Channels && t.SampleSize == u.SampleSize && bytes.Equal(t.Config, u.Config)
}
