// Package fmp4 makes fragmented MP4 from access units, for MediaSource in browsers. It writes an initialization
// segment, and then a fragment for each tenth of a second.
package fmp4

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"

	"github.com/go-librtmp/rtmp/media"
)

const (
	fragmentTime  = timeScale / 10
	fragmentBytes = 1 << 20 // size of the samples in bytes after which a fragment ends early
)

// ErrChanged is the error of [Muxer.Add] if the stream's tracks or codecs are no longer those in the initialization segment. A new Muxer
// can continue with the stream.
var ErrChanged = errors.New("fmp4: the tracks have changed")

// A CodecError reports that none of a stream's tracks can be put into fragmented MP4.
type CodecError struct{ Codecs string } // names of the unsupported codecs, such as "H.266, Speex"

func (e *CodecError) Error() string {
	return fmt.Sprintf("fmp4: %s can't be put into fragmented MP4", e.Codecs)
}

// Muxer makes fragmented MP4 from the units of a [media.Reader]. The times are those of the stream. A stream with
// video begins with a key frame. The Muxer keeps the last unit of each track until the time of the next one
// determines its duration.
type Muxer struct {
	live   bool
	tracks []*track
	begun  bool
	number uint32 // number of the last fragment
	bytes  int    // size of the samples for the next fragment
	out    seekablebuffer.Buffer
	pieces []Piece // pieces of out; their Data is valid only after take
	size   int     // bytes of pieces
}

// Piece is a part of the file.
type Piece struct {
	Data []byte
	Init bool // an initialization segment, either the first one or one that replaces it
	Key  bool // a fragment with which a viewer may begin, after the last initialization segment
}

// NewMuxer returns a Muxer of the first supported video track and the first supported audio track. If there is video, audio that is not
// supported is left out. If the video is not supported, or the audio of a stream without video, the error is a [*CodecError]. If live is
// true, a track may have no more units although the stream continues; see Add.
func NewMuxer(tracks []*media.Track, live bool) (*Muxer, error) {
	m := &Muxer{live: live}
	var refused []*media.Track
	for _, from := range tracks {
		if m.track(from.IsVideo()) != nil {
			continue
		}
		if t, err := newTrack(from); err == nil {
			m.tracks = append(m.tracks, t)
		} else {
			refused = append(refused, from)
		}
	}
	if len(m.tracks) == 0 || m.track(true) == nil && slices.ContainsFunc(tracks, (*media.Track).IsVideo) {
		return nil, &CodecError{names(refused)}
	}
	return m, nil
}

// track returns the video or the audio track, or nil.
func (m *Muxer) track(video bool) *track {
	for _, t := range m.tracks {
		if t.video == video {
			return t
		}
	}
	return nil
}

// ContentType returns the media type with the codecs parameter, as MediaSource.isTypeSupported expects it.
func (m *Muxer) ContentType() string {
	kind := "audio"
	if m.track(true) != nil {
		kind = "video"
	}
	var codecs []string
	for _, t := range m.tracks {
		codecs = append(codecs, t.name)
	}
	return fmt.Sprintf(`%s/mp4; codecs="%s"`, kind, strings.Join(codecs, ","))
}

// Add adds a unit and returns the pieces that it completes, often none. They are valid until the next call.
//
// The error is [ErrChanged] if the stream has other codecs or another track. For a live stream it is also ErrChanged if the time goes back
// by more than a second, or if one track has no units while the other one advances by several seconds, since players would wait for the
// missing units. After this error, call Flush for the units that the Muxer has kept.
func (m *Muxer) Add(u *media.Unit) ([]Piece, error) {
	m.reset()
	t := m.of(u.Track)
	if t == nil {
		return nil, m.stranger(u.Track)
	}
	if !m.begun {
		if m.track(true) != nil && !(t.video && u.KeyFrame) {
			return nil, nil
		}
		m.begun = true
		if err := m.initialize(); err != nil {
			return nil, err
		}
	}
	if u.Changed {
		if err := m.change(t); err != nil {
			return nil, err
		}
	}
	if m.live && ticks(u.DTS) < t.at-maxBack {
		return nil, ErrChanged
	}
	if err := m.put(t, u); err != nil {
		return nil, err
	}
	return m.take(), nil
}

func (m *Muxer) reset() {
	m.out.Reset()
	m.pieces, m.size = m.pieces[:0], 0
}

// end appends p. Its data is everything that was written to out after the previous piece.
func (m *Muxer) end(p Piece) {
	p.Data = m.out.Bytes()[m.size:] // take sets Data again, since out may be reallocated
	m.size += len(p.Data)
	m.pieces = append(m.pieces, p)
}

// take returns the pieces that have been completed.
func (m *Muxer) take() []Piece {
	rest := m.out.Bytes()
	for i := range m.pieces {
		p := &m.pieces[i]
		p.Data, rest = rest[:len(p.Data):len(p.Data)], rest[len(p.Data):]
	}
	return m.pieces
}

func (m *Muxer) of(from *media.Track) *track {
	for _, t := range m.tracks {
		if t.from == from {
			return t
		}
	}
	return nil
}

// stranger returns ErrChanged if a unit's track is not written but should be.
func (m *Muxer) stranger(from *media.Track) error {
	if m.track(from.IsVideo()) != nil {
		return nil
	}
	if _, err := newTrack(from); err != nil {
		return nil
	}
	return ErrChanged
}

// initialize writes the initialization segment.
func (m *Muxer) initialize() error {
	var codecs []mp4.Codec
	for _, t := range m.tracks {
		codecs = append(codecs, t.codec)
	}
	segment, err := initSegment(codecs)
	m.out.Write(segment)
	m.end(Piece{Init: true})
	return err
}

// change writes another initialization segment if t has a new configuration of the same codec.
func (m *Muxer) change(t *track) error {
	now, err := newTrack(t.from)
	switch {
	case err != nil || now.name != t.name || now.video != t.video:
		return ErrChanged
	case reflect.DeepEqual(now.codec, t.codec):
		return nil
	}
	if err := m.flush(); err != nil {
		return err
	}
	t.codec, t.inBand = now.codec, now.inBand
	return m.initialize()
}

// put adds a unit of t, and writes a fragment if enough units have been collected.
func (m *Muxer) put(t *track, u *media.Unit) error {
	passed, hole := t.put(u)
	m.bytes += len(t.held.Payload)
	for _, other := range m.tracks {
		if other != t {
			other.silent += passed
			if m.live && other.gone() {
				return ErrChanged
			}
		}
	}
	if hole || t.video && u.KeyFrame || t.gathered() >= fragmentTime || m.bytes >= fragmentBytes {
		return m.fragment()
	}
	return nil
}

// fragment writes the samples whose duration is known.
func (m *Muxer) fragment() error {
	part := fmp4.Part{SequenceNumber: m.number + 1}
	for i, t := range m.tracks {
		if len(t.samples) > 0 {
			part.Tracks = append(part.Tracks, &fmp4.PartTrack{ID: i + 1, BaseTime: uint64(t.base), Samples: t.samples})
		}
	}
	if len(part.Tracks) == 0 {
		return nil
	}
	m.number++
	video := m.track(true)
	key := video == nil || len(video.samples) > 0 && !video.samples[0].IsNonSyncSample
	err := part.Marshal(&m.out)
	m.end(Piece{Key: key})
	for _, t := range m.tracks {
		t.samples = nil
	}
	m.bytes = 0
	return err
}

// Flush returns the pieces with the units that the Muxer has kept. Call it at the end of the stream. The pieces are valid until the next
// call of a method.
func (m *Muxer) Flush() ([]Piece, error) {
	m.reset()
	err := m.flush()
	return m.take(), err
}

func (m *Muxer) flush() error {
	for _, t := range m.tracks {
		t.finish(t.span)
	}
	return m.fragment()
}
