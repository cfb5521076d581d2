package media

import (
	"bytes"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

type outTrack struct {
	track    *Track // the Track of the caller
	lastSeen Track  // value of *track at the last update

	desc     Track // the Track with the changes by the caller and by key frames
	id       uint8
	enhanced bool
	stale    bool // the metadata and the configuration must be written again, if they differ from the last ones written
	sent     []byte
	vp       []byte
}

// update applies the changes that the caller has made to the track.
func (t *outTrack) update(w *Writer) error {
	g := t.track
	if t.desc.Codec != 0 && g.compatible(&t.lastSeen) && slices.EqualFunc(g.ParameterSets, t.lastSeen.ParameterSets, bytes.Equal) {
		return nil
	}
	desc := *g
	desc.Config, desc.ParameterSets = nil, nil
	config, err := g.config()
	if err == nil && len(config) > 0 {
		_, err = desc.configure(config)
	}
	if err != nil {
		return err
	}
	if t.enhanced, err = t.chooseForm(&desc, w.Headers, w.Accepts); err != nil {
		return err
	}
	t.desc, t.stale = desc, true
	if !t.enhanced && !desc.IsVideo() {
		if _, err := flv.AppendAudioHeader(w.scratch[:0], t.audioHeader(flv.AudioCodedFrames)); err != nil {
			t.desc.Codec = 0 // so that the next call examines the track again
			return g.fail("", err)
		}
	}
	t.lastSeen = *g
	t.lastSeen.Config, t.lastSeen.ParameterSets = bytes.Clone(g.Config), slices.Clone(g.ParameterSets)
	for i, set := range t.lastSeen.ParameterSets {
		t.lastSeen.ParameterSets[i] = bytes.Clone(set)
	}
	return nil
}

// config returns the configuration that follows from the fields of the Track, or nil if they are not sufficient.
func (t *Track) config() (config []byte, err error) {
	const lowComplexity, stereo = 2, 2
	switch {
	case len(t.Config) > 0:
		return t.Config, nil
	case len(t.ParameterSets) > 0:
		config, err = t.Codec.configOf(t.ParameterSets, nil)
	case t.Codec == AAC && t.SampleRate > 0 && t.Channels > 0:
		config, err = flv.AppendAudioSpecificConfig(nil, flv.AudioSpecificConfig{
			ObjectType: lowComplexity, SampleRate: t.SampleRate, Channels: t.Channels})
	case t.Codec == Opus && t.Channels <= stereo: // with more than two channels, a channel mapping is necessary
		channels := t.Channels
		if channels == 0 {
			channels = stereo
		}
		config, err = flv.AppendOpusHead(nil, flv.OpusHead{Channels: channels, InputSampleRate: uint32(max(t.SampleRate, 0))})
	}
	if err != nil {
		return nil, t.fail("configuration", err)
	}
	return config, nil
}

// chooseForm reports whether the track is written with the headers of Enhanced RTMP, or returns an error if it can't be written.
func (t *outTrack) chooseForm(d *Track, form HeaderForm, accepts func(flv.FourCC) bool) (enhanced bool, err error) {
	fourCC := d.Codec.FourCC()
	standard := d.Codec == H264 || d.Codec == AAC || d.Codec == MP3
	switch {
	case d.Codec == 0:
		return false, d.fail("cannot be written", nil)
	case fourCC == 0 && t.id != 0:
		return false, d.fail("only the first track of its kind can have this codec", nil)
	case fourCC == 0:
		return false, nil
	case form == HeadersLegacy:
		if known := standard || d.Codec == H265 || d.Codec == AV1 || d.Codec == Opus; !known || t.id != 0 {
			return false, d.fail("needs the headers of Enhanced RTMP", nil)
		}
		return false, nil
	case standard && t.id == 0 && form == HeadersAuto:
		return false, nil
	case accepts != nil && !accepts(fourCC):
		return false, d.fail("the peer does not accept this codec", nil)
	}
	return true, nil
}

func (t *outTrack) lacksConfig() bool { return t.desc.Codec.needsConfig() && len(t.desc.Config) == 0 }

func (t *outTrack) keyFrame(parts [][]byte, data []byte) error {
	d := &t.desc
	if d.needsReconfigure(parts) {
		if err := d.reconfigure(parts); err != nil {
			return d.fail("parameter sets in a key frame", err)
		}
		t.stale = true
		return nil
	}
	if d.Codec != VP8 && d.Codec != VP9 {
		return nil
	}
	h := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: d.Codec.FourCC(), PacketType: flv.VideoCodedFrames, Data: data}
	if w, h := h.PictureSize(); w > 0 && (w != d.Width || h != d.Height) {
		d.Width, d.Height, t.stale = w, h, true
	}
	if c, ok := flv.VPConfigOf(d.Codec.FourCC(), data); ok && len(t.track.Config) == 0 {
		if t.vp = flv.AppendVPConfig(t.vp[:0], c); !bytes.Equal(t.vp, d.Config) {
			d.Config, t.stale = bytes.Clone(t.vp), true
		}
	}
	return nil
}

// describeAudio sets the properties that the caller has not set from a frame, if the codec has no configuration.
func (t *outTrack) describeAudio(frame []byte) {
	d := &t.desc
	if d.SampleRate > 0 && d.Channels > 0 || d.Codec.needsConfig() || d.Codec.FourCC() == 0 {
		return
	}
	h := flv.AudioHeader{Enhanced: true, FourCC: d.Codec.FourCC(), PacketType: flv.AudioCodedFrames, Data: frame}
	if rate, channels := h.Sound(); rate > 0 && channels > 0 {
		d.SampleRate, d.Channels, t.stale = rate, channels, true
	}
}

func (t *outTrack) appendData(dst []byte, parts [][]byte) ([]byte, error) {
	switch {
	case t.desc.Codec.hasNALUnits():
		return AppendAVCC(dst, parts), nil
	case t.desc.Codec == AV1:
		return appendOBUs(dst, parts)
	case len(parts) != 1:
		return dst, &Error{Where: t.desc.String(), Detail: "unit must be one frame, parts", Value: len(parts)}
	}
	return append(dst, parts[0]...), nil
}

// sequenceHeader returns the message with the configuration. The body is nil if the codec has none.
func (t *outTrack) sequenceHeader() (kind message.Type, body []byte, err error) {
	d := &t.desc
	if d.IsVideo() {
		kind = message.TypeVideo
		if len(d.Config) > 0 && d.Codec.FourCC() != 0 {
			body, err = flv.AppendVideoHeader(nil, t.videoHeader(flv.VideoSequenceStart))
		}
	} else {
		kind = message.TypeAudio
		empty := d.Codec == AC3 || d.Codec == EAC3 || d.Codec == MP3 && t.id != 0 // as FFmpeg does; some readers wait for it
		if t.enhanced && (len(d.Config) > 0 || empty) || d.Codec == AAC && len(d.Config) > 0 {
			body, err = flv.AppendAudioHeader(nil, t.audioHeader(flv.AudioSequenceStart))
		}
	}
	if err != nil {
		return kind, nil, d.fail("", err)
	}
	if body == nil {
		return kind, nil, nil
	}
	return kind, append(body, d.Config...), nil
}

func (t *outTrack) videoHeader(kind flv.VideoPacketType) flv.VideoHeader {
	h := flv.VideoHeader{FrameType: flv.FrameKey, PacketType: kind, Codec: t.videoNumber()}
	if t.enhanced {
		h.Enhanced, h.FourCC = true, t.desc.Codec.FourCC()
		h.Multitrack, h.TrackID = t.id != 0, t.id
	}
	return h
}

func (t *outTrack) audioHeader(kind flv.AudioPacketType) flv.AudioHeader {
	d := &t.desc
	if t.enhanced {
		return flv.AudioHeader{Enhanced: true, FourCC: d.Codec.FourCC(), PacketType: kind, Multitrack: t.id != 0, TrackID: t.id}
	}
	h := flv.AudioHeader{Format: t.soundFormat(), PacketType: kind, SampleRate: d.SampleRate, SampleSize: 16, Channels: d.Channels}
	switch d.Codec {
	case AAC:
		h.SampleRate, h.SampleSize, h.Channels = 0, 0, 0 // these fields have no meaning for AAC
	case Opus:
		h.SampleRate, h.Channels = 44100, 2
	case MP3:
		h.SampleRate, h.Channels = nearestRate(d.SampleRate), max(d.Channels, 1)
	case ALaw, MuLaw:
		h.SampleRate, h.Channels = 8000, max(d.Channels, 1)
	default:
		if d.SampleSize > 0 {
			h.SampleSize = d.SampleSize
		}
	}
	return h
}

// nearestRate returns the sample rate of FLV that is nearest to rate, the sample rate of an MP3 frame. Decoders take the exact rate from the
// frame.
func nearestRate(rate int) int {
	switch {
	case rate == 8000:
		return rate // 8 kHz has an audio format of its own
	case rate == 0 || rate >= 32000:
		return 44100
	case rate >= 16000:
		return 22050
	}
	return 11025
}

func (t *outTrack) videoNumber() flv.VideoCodec {
	switch t.desc.Codec {
	case H264:
		return flv.VideoAVC
	case H265:
		return flv.VideoHEVC
	case AV1:
		return flv.VideoAV1
	}
	return flv.VideoCodec(t.desc.Codec)
}

func (t *outTrack) soundFormat() flv.SoundFormat {
	switch t.desc.Codec {
	case AAC:
		return flv.AudioAAC
	case Opus:
		return flv.AudioOpus
	case MP3:
		if t.desc.SampleRate == 8000 {
			return flv.AudioMP38k
		}
		return flv.AudioMP3
	}
	return flv.SoundFormat(t.desc.Codec)
}

func (t *outTrack) codecID() float64 {
	switch {
	case t.enhanced:
		return float64(t.desc.Codec.FourCC())
	case t.desc.IsVideo():
		return float64(t.videoNumber())
	}
	return float64(t.soundFormat())
}
