package media

import (
	"bytes"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// PacketWriter is the destination of a [Writer], such as a publishing Stream of package rtmp or a Publisher of package server. A Writer
// sets Type, Timestamp and Body. WritePacket must not keep the body.
type PacketWriter interface {
	WritePacket(p *message.Packet) error
}

// ErrNoConfig is wrapped in the error of a Write method if decoders could not decode the unit: its track has no configuration, and no key
// frame has contained one. This is normal at the beginning if the encoder was already running.
var ErrNoConfig = errors.New("no configuration yet")

// HeaderForm selects the form of the headers that a [Writer] writes.
type HeaderForm uint8

const (
	HeadersAuto     HeaderForm = iota // headers of FLV for codecs with a standard number in FLV, headers of Enhanced RTMP for others
	HeadersEnhanced                   // headers of Enhanced RTMP for all codecs that have a name in it
	HeadersLegacy                     // only headers of FLV; H.265, AV1 and Opus have the non-standard numbers that some servers and cameras use
)

// Writer writes access units to a stream, together with the metadata, configurations and headers that they need. Its methods may be called
// by several goroutines, for example one for each track. In steady state it does not allocate.
//
// The fields must not be changed after the first unit has been written. The fields of a Track may be changed while no method of the Writer
// is running.
type Writer struct {
	Headers HeaderForm

	// Accepts reports whether the peer accepts a codec of Enhanced RTMP; nil means that it accepts all. A client can ask Conn.Capabilities.
	Accepts func(codec flv.FourCC) bool

	Metadata amf.Object // further properties of onMetaData, such as encoder and framerate

	mu         sync.Mutex
	dst        PacketWriter
	tracks     []*outTrack
	begun      bool          // the tracks have their ids
	shiftFixed bool          // shift does not change any more
	shift      time.Duration // added to all times
	last       uint32        // the last timestamp
	metadata   []byte        // the last metadata written
	buf        []byte        // buffer for a message body, with headroom bytes for the header
	packet     message.Packet
	scratch    [headroom]byte
	one        [1][]byte // Parts of a unit with one part, to avoid an allocation
}

// headroom is larger than the largest header, in bytes.
const headroom = 32

// NewWriter returns a Writer of tracks to dst. It writes metadata and known configurations before the first unit of any track, and later a
// new configuration when the caller has changed a Track or a key frame contains other parameter sets.
func NewWriter(dst PacketWriter, tracks ...*Track) *Writer {
	w := &Writer{dst: dst}
	for _, t := range tracks {
		w.tracks = append(w.tracks, &outTrack{track: t})
	}
	return w
}

// WriteUnit writes a unit of any codec, such as one from a [Reader]. u.Track must be one of the tracks passed to NewWriter. u.Changed is
// ignored, and Parts are not checked.
func (w *Writer) WriteUnit(u *Unit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u.Track.IsVideo() {
		return w.writeVideo(u, u.Track.Codec, false)
	}
	return w.writeAudio(u, u.Track.Codec)
}

// WriteHeaders writes the metadata and the known configurations, which otherwise precede the first unit. Call it to detect errors in the
// tracks early.
func (w *Writer) WriteHeaders() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.begin(); err != nil {
		return err
	}
	return w.writeHeaders(w.last)
}

// Close writes a sequence end message for each track whose codec has one, as OBS does. It does not close the destination.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tracks {
		if !w.begun || t.stale || t.desc.Codec == MP3 || t.desc.Codec.FourCC() == 0 {
			continue
		}
		var body []byte
		var err error
		kind := message.TypeAudio
		switch {
		case t.desc.IsVideo():
			kind = message.TypeVideo
			body, err = flv.AppendVideoHeader(w.scratch[:0], t.videoHeader(flv.VideoSequenceEnd))
		case t.enhanced:
			body, err = flv.AppendAudioHeader(w.scratch[:0], t.audioHeader(flv.AudioSequenceEnd))
		default:
			continue
		}
		if err == nil {
			err = w.send(kind, w.last, body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) find(track *Track, codec Codec) (*outTrack, error) {
	for _, t := range w.tracks {
		if t.track != track {
			continue
		}
		if track.Codec != codec {
			return nil, track.fail("unit is of "+codec.String(), nil)
		}
		return t, t.update(w)
	}
	return nil, track.fail("not a track of this Writer", nil)
}

// begin assigns track ids and chooses the form of the headers.
func (w *Writer) begin() error {
	if w.begun {
		return nil
	}
	if len(w.tracks) > maxTracks {
		return &Error{Where: "tracks", Detail: "more than", Value: maxTracks}
	}
	var video, audio [256]bool
	for _, t := range w.tracks {
		used := &audio
		if t.track.IsVideo() {
			used = &video
		}
		for t.id = t.track.ID; used[t.id]; t.id++ {
		}
		used[t.id] = true
		if err := t.update(w); err != nil {
			return err
		}
	}
	w.begun = true
	return nil
}

func (w *Writer) writeHeaders(at uint32) error {
	body, err := appendMetadata(nil, w.tracks, w.Metadata)
	if err == nil && !bytes.Equal(body, w.metadata) {
		err = w.send(message.TypeDataAMF0, at, body)
	}
	if err != nil {
		return err
	}
	w.metadata = body
	for _, t := range w.tracks {
		if !t.stale {
			continue
		}
		kind, body, err := t.sequenceHeader()
		if err == nil && len(body) > 0 && !bytes.Equal(body, t.sent) {
			err = w.send(kind, at, body)
		}
		if err != nil {
			return err
		}
		t.sent, t.stale = body, t.lacksConfig()
	}
	return nil
}

// prepare writes the headers that have changed since the previous unit.
func (w *Writer) prepare(t *outTrack, at uint32) error {
	if t.lacksConfig() {
		return t.desc.fail(t.desc.Codec.configHint(), ErrNoConfig)
	}
	if t.stale {
		return w.writeHeaders(at)
	}
	return nil
}

func (w *Writer) writeVideo(u *Unit, codec Codec, detect bool) error {
	if err := w.begin(); err != nil {
		return err
	}
	t, err := w.find(u.Track, codec)
	if err != nil {
		return err
	}
	if detect {
		if err := checkStartCodes(t, u.Parts); err != nil {
			return err
		}
	}
	buf, err := t.appendData(append(w.buf[:0], w.scratch[:]...), u.Parts)
	if w.buf = buf[:0]; err != nil {
		return err
	}
	data := buf[headroom:]
	if len(data) == 0 || len(data) > flv.MaxBodySize-headroom {
		return &Error{Where: t.desc.String(), Detail: "unit is empty or too long, bytes", Value: len(data)}
	}
	key := u.KeyFrame
	if detect {
		key = flv.VideoHeader{Enhanced: true, FourCC: codec.FourCC(), PacketType: flv.VideoCodedFrames, Data: data}.IsKeyFrame()
	}
	if key {
		if err := t.keyFrame(u.Parts, data); err != nil {
			return err
		}
	}
	if detect {
		if err := checkPictures(t, u.Parts); err != nil {
			return err
		}
	}
	dts, composition := w.times(u.PTS, u.DTS)
	if err := w.prepare(t, dts); err != nil {
		return err
	}
	h := t.videoHeader(flv.VideoCodedFrames)
	if h.CompositionTime, h.FrameType = composition, flv.FrameInter; key {
		h.FrameType = flv.FrameKey
	}
	switch {
	case !codec.hasNALUnits():
		h.CompositionTime = 0 // no field in this form; these codecs do not reorder pictures
	case composition == 0 && h.Enhanced:
		h.PacketType = flv.VideoCodedFramesX
	}
	header, err := flv.AppendVideoHeader(w.scratch[:0], h)
	if err != nil {
		return t.desc.fail("", err)
	}
	body := buf[headroom-len(header):]
	copy(body, header)
	return w.send(message.TypeVideo, dts, body)
}

func (w *Writer) writeAudio(u *Unit, codec Codec) error {
	if err := w.begin(); err != nil {
		return err
	}
	t, err := w.find(u.Track, codec)
	if err != nil {
		return err
	}
	if len(u.Parts) != 1 || len(u.Parts[0]) == 0 || len(u.Parts[0]) > flv.MaxBodySize-headroom {
		return t.desc.fail("unit is not one frame, or too long", nil)
	}
	t.describeAudio(u.Parts[0])
	dts, _ := w.times(u.PTS, u.PTS)
	if err := w.prepare(t, dts); err != nil {
		return err
	}
	body, err := flv.AppendAudioHeader(w.buf[:0], t.audioHeader(flv.AudioCodedFrames))
	if err != nil {
		return t.desc.fail("", err)
	}
	w.buf = append(body, u.Parts[0]...)
	return w.send(message.TypeAudio, dts, w.buf)
}

// times returns the timestamp of a unit and its composition time in milliseconds. A stream that begins before 0, which is usual with
// B-frames, is shifted as a whole. Units that are still before 0 get the decoding time 0.
func (w *Writer) times(pts, dts time.Duration) (timestamp uint32, composition int32) {
	if !w.shiftFixed {
		w.shiftFixed, w.shift = true, max(-dts, 0)
	}
	ms := func(t time.Duration) int64 { return int64((t + w.shift).Round(time.Millisecond) / time.Millisecond) }
	at := max(ms(dts), 0)
	return uint32(at), int32(min(max(ms(pts)-at, math.MinInt32), math.MaxInt32)) // the header's encoder checks the range
}

func (w *Writer) send(kind message.Type, at uint32, body []byte) error {
	w.last = at
	w.packet = message.Packet{Type: kind, Timestamp: at, Absolute: true, Body: body}
	return w.dst.WritePacket(&w.packet)
}
