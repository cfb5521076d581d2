package download

import (
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// overlap compares what has arrived with the end of the file, tag by tag, once it is known by how much their times differ.
type overlap struct {
	*splice
	shift        uint32
	found        []int  // by index in held: where in tail.recent the tag is, -1: not there
	again        []bool // by index in tail.recent: the tag has come again
	audio, video span
}

// span is the time that the new tags of a track cover, in the file's terms.
type span struct {
	seen        bool
	first, last uint32
}

func newOverlap(s *splice, shift uint32) *overlap {
	o := &overlap{splice: s, shift: shift, found: make([]int, len(s.held)), again: make([]bool, len(s.tail.recent))}
	places := make(map[content][]int)
	for k, e := range s.tail.recent {
		places[e.content] = append(places[e.content], k)
	}
	for i := range s.held {
		h := &s.held[i]
		o.found[i] = -1
		if !h.isFrame() {
			continue
		}
		at := h.Timestamp + shift
		sp := o.span(h.kind)
		if !sp.seen {
			sp.seen, sp.first = true, at
		}
		sp.last = at
		for _, k := range places[h.content] {
			if near(s.tail.recent[k].time, at) {
				o.found[i], o.again[k] = k, true
				break
			}
		}
	}
	return o
}

func (o *overlap) span(kind flv.TagType) *span {
	if kind == flv.TagVideo {
		return &o.video
	}
	return &o.audio
}

// plan keeps what is in the file up to the first tag that is damaged or that others follow in what has arrived, and goes
// on with what has arrived and is not in there.
func (o *overlap) plan() plan {
	t := o.tail
	keep := o.kept()
	p := plan{cut: t.end, shift: o.shift, byContent: true}
	if keep < len(t.recent) {
		p.cut = t.recent[keep].offset
	}
	var audio, video track // as far as they are kept
	for _, e := range t.recent[:keep] {
		pick(e.kind, &audio, &video).advance(e.time)
	}
	p.covered = o.covers(t.recent[keep:])
	p.gap = max(gap(&audio, &o.audio), gap(&video, &o.video))
	for i := range o.held {
		h := &o.held[i]
		write := false
		switch {
		case h.isFrame():
			write = (o.found[i] < 0 || o.found[i] >= keep) && o.inside(h)
		case h.role == config:
			write = h.content != t.trackOf(h.kind).config
		}
		if write {
			p.tags = append(p.tags, *h)
		} else {
			p.dropped++
		}
	}
	return p
}

// covers reports whether what has arrived goes as far as these tags do.
func (o *overlap) covers(cut []entry) bool {
	return !slices.ContainsFunc(cut, func(e entry) bool {
		sp := o.span(e.kind)
		return !sp.seen || int32(e.time-sp.last) > 0
	})
}

// gap is what is missing between the end of a track and where it begins again.
func gap(t *track, sp *span) time.Duration {
	if !sp.seen {
		return 0
	}
	return t.gap(sp.first)
}

// inside reports whether h is not of the part of the file that is forgotten.
func (o *overlap) inside(h *held) bool {
	oldest := &o.tail.recent[0]
	d := int32(h.Timestamp + o.shift - oldest.time)
	return d > 0 || d == 0 && oldest.offset == o.tail.first.offset
}

// kept is how many of tail.recent stay in the file.
func (o *overlap) kept() int {
	keep := o.same()
	lowest := 0 // everything from here on has come again, or should have
	for i := range o.tail.recent {
		e := &o.tail.recent[i]
		if sp := o.span(e.kind); !o.again[i] && (!sp.seen || int32(e.time-sp.first) < 0) {
			lowest = i + 1
		}
	}
	keep = max(keep, lowest)
	for i := lowest; i < keep; i++ {
		e := &o.tail.recent[i]
		if sp := o.span(e.kind); !o.again[i] && int32(sp.last-e.time) >= 0 {
			return i // damaged
		}
	}
	return keep
}

// same is how much of tail.recent comes before the first new tag that is not in it.
func (o *overlap) same() int {
	keep := 0
	for i := range o.held {
		switch h := &o.held[i]; {
		case !h.isFrame():
		case o.found[i] >= 0:
			keep = max(keep, o.found[i]+1)
		case o.inside(h):
			return keep
		}
	}
	return len(o.tail.recent)
}
