package flv

import (
	"bytes"
	"iter"
	"slices"
)

// What a publisher can make Headers keep: a few tags for each of many tracks.
const (
	maxHeaders     = 64
	maxHeaderBytes = 4 << 20 // of bodies; the index of a long recording is the largest that is usual
)

// Headers keeps the tags of a stream that describe those after them ([KindHeader]), of every track. Who joins a live stream needs
// the latest of each before anything else, and so does a server that is published to again. The zero value has none.
type Headers struct {
	kept  []keptHeader
	bytes int // of their bodies
}

type keptHeader struct {
	about Subject
	tag   Tag
}

// Keep keeps a copy of t if it is a header, in place of the one that described the same before. It reports whether t is one. Of
// more than 64, or 4 MiB, the latest are not kept.
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
	case !fits: // the old one is not true any more
		h.kept = slices.Delete(h.kept, at, at+1)
		h.bytes -= old
		return true
	}
	h.bytes += len(t.Body) - old
	t.Body = bytes.Clone(t.Body)
	h.kept[at].tag = t
	return true
}

// find returns the place of the header about that, -1 if there is none.
func (h *Headers) find(about Subject) int {
	return slices.IndexFunc(h.kept, func(k keptHeader) bool { return k.about == about })
}

// Has reports whether t is a header whose body is that of the one that is kept in its place: who has that does not need t.
func (h *Headers) Has(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.find(about)
	return at >= 0 && bytes.Equal(h.kept[at].tag.Body, t.Body)
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
