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
// a total of 64, or of 4 MiB, are not kept. A list of tracks replaces lists of the same layout. It does not replace the headers of single
// tracks, nor do these replace a list: [Headers.All] returns them in the order in which they are valid.
func (h *Headers) Keep(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.index(about)
	old := 0
	if at >= 0 {
		old = len(h.headers[at].tag.Body)
		if h.overridden(at) {
			last := h.headers[at]
			h.headers = append(slices.Delete(h.headers, at, at+1), last)
			at = len(h.headers) - 1
		}
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

// overridden reports whether a later header has the same meaning in another layout, and so may describe the same tracks: the header of a
// single track and a list of tracks.
func (h *Headers) overridden(at int) bool {
	about := h.headers[at].subject
	return slices.ContainsFunc(h.headers[at+1:], func(k keptHeader) bool {
		return k.subject.tag == about.tag && k.subject.packetType == about.packetType && k.subject.multitrack != about.multitrack
	})
}

// Has reports whether an identical header is kept and valid, so that t need not be sent again.
func (h *Headers) Has(t Tag) bool {
	kind, about := classify(t)
	if kind != KindHeader {
		return false
	}
	at := h.index(about)
	return at >= 0 && bytes.Equal(h.headers[at].tag.Body, t.Body) && !h.overridden(at)
}

// All returns the headers, in the order in which their subjects first arrived, except that the header of a single track and a list of tracks
// are in the order of their last arrival. The bodies belong to the Headers.
func (h *Headers) All() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for _, k := range h.headers {
			if !yield(k.tag) {
				return
			}
		}
	}
}
