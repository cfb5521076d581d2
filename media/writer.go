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

// PacketWriter is the destination of a [Writer]: a publishing Stream of package rtmp, a Publisher of package server, or any other value
// that accepts the packets of one stream. A Writer sets Type, Timestamp and Body. WritePacket must not keep the body.
type PacketWriter interface {
	WritePacket(p *message.Packet) error
}

// ErrNoConfig says that a unit was not written because decoders could not decode it: its track has no configuration, and no key frame
// has contained one. The error of a Write method wraps it. This is normal at the beginning if the encoder was already running.
var ErrNoConfig = errors.New("no configuration yet")

// HeaderForm selects the form of the headers that a [Writer] writes.
type HeaderForm uint8

// These are the forms of headers.
const (
	HeadersAuto     HeaderForm = iota // headers of FLV for codecs with a standard number in FLV, headers of Enhanced RTMP for others
	HeadersEnhanced                   // headers of Enhanced RTMP for all codecs that have a name in it
	HeadersLegacy                     // only headers of FLV; H.265, AV1 and Opus have the non-standard numbers that some servers and cameras use
)

// Writer writes access units to a stream, together with the metadata, configurations and headers that they need. Its methods may be called
// by several goroutines, for example one for each track. In steady state it does not allocate.
//
// The fields must not be changed after the first unit has been written. The fields of a Track may be changed, but only while no
// method of the Writer is running.
type Writer struct {
	Headers HeaderForm

	// Accepts reports whether the peer accepts a codec of Enhanced RTMP; nil means that it accepts all. A client can use
	// Conn.Capabilities for this.
	Accepts func(codec flv.FourCC) bool

	Metadata amf.Object // further properties of onMetaData, such as encoder and framerate

	mu      sync.Mutex
	dst     PacketWriter
	tracks  []*outTrack
	begun   bool          // the tracks have their ids
	timed   bool          // shift does not change any more
	shift   time.Duration // added to all times
	last    uint32        // the last timestamp
	buf     []byte        // buffer for a message body, with headroom bytes for the header
	packet  message.Packet
	scratch [headroom]byte
	one     [1][]byte // Parts of a unit with one part, to avoid an allocation
}

// headroom is larger than the largest header that is written, in bytes.
const headroom = 32

// NewWriter returns a Writer of tracks to dst. Metadata and known configurations are written before the first unit of any track. Later the
// caller may change a Track between its units. Then the Writer writes the new configuration before the next unit. It also does so when a
// key frame contains other parameter sets.
func NewWriter(dst PacketWriter, tracks ...*Track) *Writer {
	w := &Writer{dst: dst}
	for _, t := range tracks {
		w.tracks = append(w.tracks, &outTrack{given: t})
	}
	return w
}

// WriteUnit writes a unit of any codec, such as one from a [Reader]. u.Track must be one of the tracks that were passed to NewWriter; they
// may be tracks of a Reader. u.Changed is ignored. Unlike the methods for one codec, WriteUnit does not check Parts.
func (w *Writer) WriteUnit(u *Unit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u.Track.IsVideo() {
		return w.writeVideo(u, u.Track.Codec, false)
	}
	return w.writeAudio(u, u.Track.Codec)
}

// WriteHeaders writes the metadata and the configurations that are already known. If it is not called, they are written before the first
// unit. Call it to detect errors in the tracks early.
func (w *Writer) WriteHeaders() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.begin(); err != nil {
		return err
	}
	return w.writeHeaders(w.last)
}

// Close writes a sequence end message for each track whose codec has one, as OBS does. It does not close the
// destination.
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

// find returns the Writer's state of a track, which must have the given codec.
func (w *Writer) find(track *Track, codec Codec) (*outTrack, error) {
	for _, t := range w.tracks {
		if t.given != track {
			continue
		}
		if track.Codec != codec {
			return nil, track.fail("unit is of "+codec.String(), nil)
		}
		return t, t.look(w)
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
		if t.given.IsVideo() {
			used = &video
		}
		for t.id = t.given.ID; used[t.id]; t.id++ {
		}
		used[t.id] = true
		if err := t.look(w); err != nil {
			return err
		}
	}
	w.begun = true
	return nil
}

// writeHeaders writes the metadata, and then the configurations that have not been written yet.
func (w *Writer) writeHeaders(at uint32) error {
	body, err := appendMetadata(nil, w.tracks, w.Metadata)
	if err == nil {
		err = w.send(message.TypeDataAMF0, at, body)
	}
	if err != nil {
		return err
	}
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
		t.sent, t.stale = body, t.waits()
	}
	return nil
}

// prepare is called before a unit is written. It writes the headers that have changed.
func (w *Writer) prepare(t *outTrack, at uint32) error {
	if t.waits() {
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
		h.CompositionTime = 0 // This form of the header has no field for the composition time, and the pictures of these codecs are not reordered.
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
	t.hear(u.Parts[0])
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
// B-frames, is shifted as a whole. Units that are still before 0 after the shift get the decoding time 0.
func (w *Writer) times(pts, dts time.Duration) (timestamp uint32, composition int32) {
	if !w.timed {
		w.timed, w.shift = true, max(-dts, 0)
	}
	ms := func(t time.Duration) int64 { return int64((t + w.shift).Round(time.Millisecond) / time.Millisecond) }
	at := max(ms(dts), 0)
	return uint32(at), int32(min(max(ms(pts)-at, math.MinInt32), math.MaxInt32)) // Encoding the header fails if the composition time is out of range.
}

func (w *Writer) send(kind message.Type, at uint32, body []byte) error {
	w.last = at
	w.packet = message.Packet{Type: kind, Timestamp: at, Absolute: true, Body: body}
	return w.dst.WritePacket(&w.packet)
}
