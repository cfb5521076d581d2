package flv

import (
	"bytes"
	"iter"
	"slices"
)

// These limits bound what a publisher can make Headers keep. They allow a few tags for each of many tracks.
const (
	maxHeaders     = 64
	maxHeaderBytes = 4 << 20 // bytes of bodies; the largest in practice is the index of a long recording
)

// Headers keeps the tags of a stream that describe the tags after them ([KindHeader]), for every track: metadata and decoder
// configurations. A player that joins a live stream needs the latest of them before anything else. A server needs them when a publisher
// reconnects. The zero value is empty and ready to use. Headers is not safe for concurrent use.
type Headers struct {
	kept  []keptHeader
	bytes int // total size of the bodies
}

type keptHeader struct {
	about Subject
	tag   Tag
}

// Keep reports whether t is a header, and if so keeps a copy of it in place of the previous header with the same [Subject]. Headers
// beyond a total of 64, or of 4 MiB, are not kept.
func (h *Headers) Keep(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.find(about)
	old := 0
	if at >= 0 {
		old = len(h.kept[at].tag.Body)
	}
	fits := h.bytes-old+len(t.Body) <= maxHeaderBytes
	switch {
	case at < 0 && fits && len(h.kept) < maxHeaders:
		h.kept = append(h.kept, keptHeader{about: about})
		at = len(h.kept) - 1
	case at < 0:
		return true
	case !fits: // the old header is out of date
		h.kept = slices.Delete(h.kept, at, at+1)
		h.bytes -= old
		return true
	}
	h.bytes += len(t.Body) - old
	t.Body = bytes.Clone(t.Body)
	h.kept[at].tag = t
	return true
}

// find returns the index of the header with the given subject, or -1.
func (h *Headers) find(about Subject) int {
	return slices.IndexFunc(h.kept, func(k keptHeader) bool { return k.about == about })
}

// Has reports whether an identical header is kept, so that t need not be sent again.
func (h *Headers) Has(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.find(about)
	return at >= 0 && bytes.Equal(h.kept[at].tag.Body, t.Body)
}

// All returns the headers, in the order in which the first one of each subject arrived. Their bodies belong to the Headers.
func (h *Headers) All() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for _, k := range h.kept {
			if !yield(k.tag) {
				return
			}
		}
	}
}
