package media

import (
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/obu"
	"github.com/go-librtmp/rtmp/message"
)

const (
	maxTracks          = 32 // limit for a stream; each track may have a configuration of 64 KiB
	maxUnitsPerMessage = 64 // several units of each track; millions of units would take hundreds of megabytes
)

type demuxer struct {
	timeline flv.Timeline
	now      time.Duration // timestamp of the last message
	frames   bool          // the stream has contained a frame
	states   []*state
	hint     hint // from the metadata

	frozen bool // the metadata and tracks are not updated any more
}

type state struct {
	video      bool
	track      *Track // the Track that the caller gets
	lengthSize int    // size of NAL unit lengths, in bytes
	known      bool   // the track can be decoded
	announced  bool   // Tracks or Read has returned the track
	before     Track  // value of track at the previous unit; its Codec is 0 before the first unit
}

// feed appends the units of a message to out, and reuses the elements in out's capacity. An error in one track does not affect the units of
// others.
func (d *demuxer) feed(p *message.Packet, out []Unit) ([]Unit, error) {
	switch p.Type {
	case message.TypeVideo, message.TypeAudio:
	case message.TypeDataAMF0, message.TypeDataAMF3:
		d.hint.read(p)
		return out, nil
	default:
		return out, nil
	}
	d.now = time.Duration(d.timeline.Unwrap(p.Timestamp)) * time.Millisecond
	if p.Type == message.TypeVideo {
		return d.feedVideo(p.Body, out)
	}
	return d.feedAudio(p.Body, out)
}

func (d *demuxer) feedVideo(body []byte, out []Unit) (_ []Unit, failed error) {
	h, err := flv.ParseVideoHeader(body)
	if err != nil {
		return out, &Error{Where: "video", Err: err}
	}
	for track, err := range h.Tracks() {
		if len(out) == maxUnitsPerMessage {
			return out, tooManyUnits("video")
		}
		if err == nil {
			out, err = d.video(&track, out)
		} else {
			err = &Error{Where: "video", Err: err}
		}
		if err != nil {
			failed = err
		}
	}
	return out, failed
}

func (d *demuxer) feedAudio(body []byte, out []Unit) (_ []Unit, failed error) {
	h, err := flv.ParseAudioHeader(body)
	if err != nil {
		return out, &Error{Where: "audio", Err: err}
	}
	for track, err := range h.Tracks() {
		if len(out) == maxUnitsPerMessage {
			return out, tooManyUnits("audio")
		}
		if err == nil {
			out, err = d.audio(&track, out)
		} else {
			err = &Error{Where: "audio", Err: err}
		}
		if err != nil {
			failed = err
		}
	}
	return out, failed
}

func tooManyUnits(where string) error {
	return &Error{Where: where, Detail: "too many units in a message, limit", Value: maxUnitsPerMessage}
}

func (d *demuxer) video(h *flv.VideoHeader, out []Unit) ([]Unit, error) {
	config, frame := h.IsSequenceHeader() && h.PacketType == flv.VideoSequenceStart, h.IsFrame() && len(h.Data) > 0
	if !config && !frame {
		return out, nil
	}
	s, err := d.state(true, h.TrackID, videoCodec(h))
	if err != nil {
		return out, err
	}
	if config {
		return out, d.configure(s, h.Data)
	}
	d.frames = true
	u := grow(&out)
	if u.Parts, err = s.split(u.Parts[:0], h.Data); err != nil {
		return out[:len(out)-1], s.track.fail("", err)
	}
	if u.KeyFrame = h.IsKeyFrame(); u.KeyFrame && !(d.frozen && s.known) {
		s.keyFrame(h, u.Parts)
	}
	u.DTS = d.now
	u.PTS = d.now + time.Duration(h.CompositionTime)*time.Millisecond + h.ModEx.TimestampOffset()
	return d.finish(s, out), nil
}

func (d *demuxer) audio(h *flv.AudioHeader, out []Unit) ([]Unit, error) {
	described := h.Enhanced && h.PacketType == flv.AudioMultichannelConfig
	config, frame := h.IsSequenceHeader(), h.IsFrame() && len(h.Data) > 0
	if !config && !frame && !described {
		return out, nil
	}
	s, err := d.state(false, h.TrackID, audioCodec(h))
	if err != nil {
		return out, err
	}
	if config {
		return out, d.configure(s, h.Data)
	}
	if !(d.frozen && s.known) {
		s.describeAudio(h)
	}
	if described {
		return out, nil
	}
	d.frames = true
	u := grow(&out)
	u.Parts = append(u.Parts[:0], h.Data)
	u.KeyFrame = true
	u.DTS, u.PTS = d.now, d.now+h.ModEx.TimestampOffset()
	return d.finish(s, out), nil
}

// grow adds a unit to out. It reuses the Parts that the element had before.
func grow(out *[]Unit) *Unit {
	units := *out
	if len(units) == cap(units) {
		units = append(units, Unit{})
	} else {
		units = units[:len(units)+1]
	}
	*out = units
	u := &units[len(units)-1]
	*u = Unit{Parts: u.Parts}
	return u
}

// finish completes the unit that was added last, or removes it if its track can't be decoded yet.
func (d *demuxer) finish(s *state, out []Unit) []Unit {
	u := &out[len(out)-1]
	if !s.known || len(u.Parts) == 0 {
		return out[:len(out)-1]
	}
	u.Track = s.track
	d.hint.complete(s.track)
	if u.Changed = !s.track.compatible(&s.before); u.Changed {
		s.announced, s.before = true, *s.track
	}
	return out
}

// state returns the state of a track, and resets it if the codec has changed.
func (d *demuxer) state(video bool, id uint8, codec Codec) (*state, error) {
	if codec == 0 {
		t := Track{ID: id, video: video}
		return nil, t.fail("FourCC is not text", nil)
	}
	for _, s := range d.states {
		if s.video != video || s.track.ID != id {
			continue
		}
		if s.track.Codec != codec && !(d.frozen && s.known) {
			*s.track = Track{ID: id, Codec: codec, video: video}
			s.known, s.lengthSize = false, 0
		}
		return s, nil
	}
	s := &state{video: video, track: &Track{ID: id, Codec: codec, video: video}}
	if len(d.states) == maxTracks {
		return nil, &Error{Where: s.track.String(), Detail: "too many tracks, limit", Value: maxTracks}
	}
	d.states = append(d.states, s)
	return s, nil
}

func (d *demuxer) configure(s *state, config []byte) error {
	if d.frozen && s.known {
		return nil
	}
	lengthSize, err := s.track.configure(config)
	if err != nil {
		return err
	}
	s.lengthSize = lengthSize
	switch c := s.track.Codec; {
	case len(config) == 0: // an empty configuration is ignored
	case c == AV1:
		s.known = len(s.track.ParameterSets) > 0
	case c.needsConfig() || !s.video: // The size of other video codecs is in the first key frame.
		s.known = true
	}
	return nil
}

func (s *state) split(parts [][]byte, data []byte) ([][]byte, error) {
	switch {
	case s.track.Codec.hasNALUnits():
		size := s.lengthSize
		if size == 0 { // no configuration has arrived yet
			size = 4
		}
		return SplitAVCC(parts, data, size)
	case s.track.Codec == AV1:
		parts, err := SplitOBUs(parts, data)
		return slices.DeleteFunc(parts, func(b []byte) bool { return obu.Type(b) == obu.TemporalDelimiter }), err
	}
	return append(parts, data), nil
}

// keyFrame sets the configuration or the size of a track from a key frame. It ignores parameter sets that it can't parse, since the decoder
// gets them in the frame too.
func (s *state) keyFrame(h *flv.VideoHeader, parts [][]byte) {
	t := s.track
	if t.Codec.needsConfig() {
		if t.needsReconfigure(parts) && t.reconfigure(parts) == nil {
			s.known = true
		}
		return
	}
	if w, h := h.PictureSize(); w > 0 {
		t.Width, t.Height = w, h
	}
	s.known = true
}

// describeAudio sets the properties of a track from a frame, if its codec has no configuration.
func (s *state) describeAudio(h *flv.AudioHeader) {
	t := s.track
	described := h.Enhanced && h.PacketType == flv.AudioMultichannelConfig
	if t.Codec.needsConfig() && !described || t.Codec == Opus && s.known && !described {
		return
	}
	rate, channels := h.Sound()
	if rate > 0 {
		t.SampleRate = rate
	}
	if channels > 0 {
		t.Channels = channels
	}
	if described {
		return
	}
	if t.Codec.FourCC() == 0 {
		t.SampleSize = h.SampleSize
	}
	s.known = true
}

// complete reports whether all tracks are known: as many as the metadata announces or, without metadata, one video and one audio track.
func (d *demuxer) complete() bool {
	video, audio := 0, 0
	for _, s := range d.states {
		if s.video {
			video++
		} else {
			audio++
		}
	}
	if d.hint.video+d.hint.audio == 0 {
		return video > 0 && audio > 0
	}
	return video >= d.hint.video && audio >= d.hint.audio
}
