package flv

import (
	"bytes"
	"iter"
)

// maxHeaders bounds what a publisher can make Headers keep: a few tags for each of many tracks.
const maxHeaders = 64

// Headers keeps the tags of a stream that describe those behind them: metadata, decoder configurations, colours and the order
// of channels, of every track. Who joins a live stream needs the latest of each before anything else, and so does a server that
// is published to again. The zero value has none.
type Headers struct {
	kept []keptHeader
}

type keptHeader struct {
	about subject
	tag   Tag
}

// subject is what a header describes.
type subject struct {
	kind       TagType
	packetType uint8
	multitrack MultitrackType
	track      uint8
}

// Keep keeps a copy of t if it is a header, in place of the one that described the same before. It reports whether t is one. Of
// more than 64 the latest are not kept.
func (h *Headers) Keep(t Tag) bool {
	about, ok := subjectOf(t)
	if !ok {
		return false
	}
	t.Body = bytes.Clone(t.Body)
	for i := range h.kept {
		if h.kept[i].about == about {
			h.kept[i].tag = t
			return true
		}
	}
	if len(h.kept) < maxHeaders {
		h.kept = append(h.kept, keptHeader{about, t})
	}
	return true
}

// All returns the headers, in the order in which the first of each came. Their bodies stay the Headers' own.
func (h *Headers) All() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for _, k := range h.kept {
			if !yield(k.tag) {
				return
			}
		}
	}
}

// IsHeader reports whether t describes the tags behind it.
func IsHeader(t Tag) bool {
	_, ok := subjectOf(t)
	return ok
}

func subjectOf(t Tag) (about subject, ok bool) {
	switch t.Type {
	case TagScript:
		name, _, err := ParseScript(t.Body)
		ok = err == nil && name == "onMetaData"
	case TagVideo:
		h, err := ParseVideoHeader(t.Body)
		about = subject{packetType: uint8(h.PacketType), multitrack: h.MultitrackType, track: h.TrackID}
		ok = err == nil && (h.IsSequenceHeader() || h.Enhanced && h.PacketType == VideoMetadata)
	case TagAudio:
		h, err := ParseAudioHeader(t.Body)
		about = subject{packetType: uint8(h.PacketType), multitrack: h.MultitrackType, track: h.TrackID}
		ok = err == nil && (h.IsSequenceHeader() || h.Enhanced && h.PacketType == AudioMultichannelConfig)
	}
	about.kind = t.Type
	return about, ok
}
