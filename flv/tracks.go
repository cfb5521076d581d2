package flv

import (
	"encoding/binary"
	"iter"
)

// trackList reads the tracks of a message that contains several:
//
//	+--------+----------+--------+------+
//	| FourCC | track id | size   | data |   the FourCC only in ManyTracksManyCodecs
//	| 4      | 1        | 3      | size |
//	+--------+----------+--------+------+
type trackList struct {
	whole  bool // the message is a single track, not a list
	layout MultitrackType
	fourCC FourCC // codec of all tracks, or of the last track read
	id     uint8
	data   []byte // data of the last track read
	err    error  // why the last track could not be read; the beginning of the next one is then unknown
	list   []byte
	at     int // in list
}

func (l *trackList) next() bool {
	switch {
	case l.whole:
		more := l.at == 0
		l.at = 1
		return more
	case l.err != nil || l.at == len(l.list) && l.layout <= ManyTracksManyCodecs:
		return false
	}
	l.err = l.read()
	return true
}

func (l *trackList) read() error {
	if l.layout > ManyTracksManyCodecs {
		return &Error{Detail: "unknown multitrack type", Value: uint8(l.layout)}
	}
	head := 1 + trackSizeSize
	if l.layout == ManyTracksManyCodecs {
		head += fourCCSize
	}
	rest := l.list[l.at:]
	if len(rest) < head {
		return addOffset(truncated("header of a track", int64(head-len(rest))), int64(l.at))
	}
	if l.layout == ManyTracksManyCodecs {
		l.fourCC = FourCC(binary.BigEndian.Uint32(rest))
	}
	l.id = rest[head-trackSizeSize-1]
	end := head + int(uint24(rest[head-trackSizeSize:]))
	if missing := end - len(rest); missing > 0 {
		return addOffset(truncated("a track", int64(missing)), int64(l.at))
	}
	l.data = rest[head:end:end]
	l.at += end
	return nil
}

// appendTrack appends the header of a list entry, which precedes the entry's data: the FourCC if layout is ManyTracksManyCodecs, the track
// id, and the size of the data. The caller appends the data.
func appendTrack(dst []byte, layout MultitrackType, fourCC FourCC, id uint8, size int) ([]byte, error) {
	if layout != ManyTracks && layout != ManyTracksManyCodecs {
		return dst, &Error{Detail: "multitrack type has no list of tracks", Value: uint8(layout)}
	}
	if size > MaxBodySize {
		return dst, &Error{Detail: "track is longer than a message", Value: size}
	}
	if layout == ManyTracksManyCodecs {
		dst = binary.BigEndian.AppendUint32(dst, uint32(fourCC))
	}
	return append(dst, id, byte(size>>16), byte(size>>8), byte(size)), nil
}

// Tracks returns an iterator over the tracks of the message. Each has a header as if it had its own message: a copy of h with its own
// FourCC, TrackID, CompositionTime and Data, which is a view. A message without Multitrack yields h itself, and an empty one yields
// nothing.
//
// A malformed track, or an unknown layout, yields an [*Error], whose Offset counts from the start of h.Data. Further tracks follow if their
// beginning is known.
func (h VideoHeader) Tracks() iter.Seq2[VideoHeader, error] {
	return func(yield func(VideoHeader, error) bool) {
		if h.Empty {
			return
		}
		l := trackList{whole: !isList(h.Multitrack, h.MultitrackType), layout: h.MultitrackType, fourCC: h.FourCC, list: h.Data}
		for l.next() && yield(h.track(&l)) {
		}
	}
}

func (h VideoHeader) track(l *trackList) (VideoHeader, error) {
	if l.whole {
		return h, nil
	}
	if l.err != nil {
		return VideoHeader{}, l.err
	}
	h.MultitrackType, h.TrackID = OneTrack, l.id
	h.FourCC, h.Codec = l.fourCC, videoCodecOf(l.fourCC)
	h.Data = l.data
	return h, addOffset(h.parseCompositionTime(), int64(l.at-len(l.data)))
}

// AppendTrack appends a track to the body of a message that contains several, after [AppendVideoHeader] has appended h. It writes track's
// TrackID, CompositionTime and Data, and its FourCC if h is ManyTracksManyCodecs. The error is an [*Error]; dst is then returned unchanged.
func (h VideoHeader) AppendTrack(dst []byte, track VideoHeader) ([]byte, error) {
	entry := VideoHeader{Enhanced: true, PacketType: h.PacketType, FourCC: track.FourCC, CompositionTime: track.CompositionTime}
	if h.MultitrackType == ManyTracks {
		entry.FourCC = h.FourCC
	}
	if err := entry.checkCompositionTime(); err != nil {
		return dst, err
	}
	size := len(track.Data)
	if entry.hasCompositionTime() {
		size += compositionTimeSize
	}
	dst, err := appendTrack(dst, h.MultitrackType, entry.FourCC, track.TrackID, size)
	if err != nil {
		return dst, err
	}
	return append(entry.appendCompositionTime(dst), track.Data...), nil
}

// Tracks returns an iterator over the tracks of the message, like [VideoHeader.Tracks].
func (h AudioHeader) Tracks() iter.Seq2[AudioHeader, error] {
	return func(yield func(AudioHeader, error) bool) {
		if h.Empty {
			return
		}
		l := trackList{whole: !isList(h.Multitrack, h.MultitrackType), layout: h.MultitrackType, fourCC: h.FourCC, list: h.Data}
		for l.next() && yield(h.track(&l)) {
		}
	}
}

func (h AudioHeader) track(l *trackList) (AudioHeader, error) {
	if l.whole {
		return h, nil
	}
	if l.err != nil {
		return AudioHeader{}, l.err
	}
	h.MultitrackType, h.TrackID = OneTrack, l.id
	h.FourCC, h.Format = l.fourCC, soundFormatOf(l.fourCC)
	h.Data = l.data
	return h, nil
}

// AppendTrack appends a track to the body of a message that contains several, like [VideoHeader.AppendTrack].
func (h AudioHeader) AppendTrack(dst []byte, track AudioHeader) ([]byte, error) {
	dst, err := appendTrack(dst, h.MultitrackType, track.FourCC, track.TrackID, len(track.Data))
	if err != nil {
		return dst, err
	}
	return append(dst, track.Data...), nil
}
