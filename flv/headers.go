package flv

import (
	"bytes"
	"iter"
	"slices"
)

// These limits bound what a publisher can make Headers keep: a few tags for each of many tracks.
const (
	maxHeaders     = 64
	maxHeaderBytes = 4 << 20 // bytes of bodies; the largest in practice is the index of a long recording
)

// Headers keeps the latest tag of each [Subject] that describes the tags after it ([KindHeader]): metadata and decoder configurations, for
// every track. A player that joins a live stream needs them before anything else. The zero value is empty and ready to use. Headers is not
// safe for concurrent use.
type Headers struct {
	headers []keptHeader
	bytes   int // total size of the bodies
}

type keptHeader struct {
	subject Subject
	tag     Tag
}

// Keep reports whether t is a header, and if so keeps a copy of it in place of the previous header with the same [Subject]. Headers beyond
// a total of 64, or of 4 MiB, are not kept. A list of tracks replaces lists of the same layout, but not the headers of single tracks.
func (h *Headers) Keep(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.index(about)
	old := 0
	if at >= 0 {
		old = len(h.headers[at].tag.Body)
	}
	fits := h.bytes-old+len(t.Body) <= maxHeaderBytes
	switch {
	case at < 0 && fits && len(h.headers) < maxHeaders:
		h.headers = append(h.headers, keptHeader{subject: about})
		at = len(h.headers) - 1
	case at < 0:
		return true
	case !fits: // the old header is out of date
		h.headers = slices.Delete(h.headers, at, at+1)
		h.bytes -= old
		return true
	}
	h.bytes += len(t.Body) - old
	t.Body = bytes.Clone(t.Body)
	h.headers[at].tag = t
	return true
}

func (h *Headers) index(about Subject) int {
	return slices.IndexFunc(h.headers, func(k keptHeader) bool { return k.subject == about })
}

// Has reports whether an identical header is kept, so that t need not be sent again.
func (h *Headers) Has(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.index(about)
	return at >= 0 && bytes.Equal(h.headers[at].tag.Body, t.Body)
}

// All returns the headers, in the order in which their subjects first arrived. The bodies belong to the Headers.
func (h *Headers) All() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for _, k := range h.headers {
			if !yield(k.tag) {
				return
			}
		}
	}
}
