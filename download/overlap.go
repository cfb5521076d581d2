package download

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// overlap compares what has arrived with the end of the file, track by track, once it is known by how much their times differ.
type overlap struct {
	*splice
	shift        uint32
	found        []int    // by index in held: where in tail.recent the tag is, -1: not there
	at           []uint32 // by index in held: its time in the file's terms
	again        []bool   // by index in tail.recent: the tag has come again
	lowest       int      // everything in tail.recent from here on has come again, or should have
	audio, video alignment
}

// alignment is how a track of what has arrived lies on that of the file.
type alignment struct {
	follower
	span
	pair  int  // where in tail.recent the newest frame is that was found, -1: none
	fresh bool // frames that are not in the file have come since
}

// span is the time that the new tags of a track cover, in the file's terms.
type span struct {
	seen        bool
	first, last uint32
}

func newOverlap(s *splice, shift uint32) *overlap {
	o := &overlap{splice: s, shift: shift, found: make([]int, len(s.held)), at: make([]uint32, len(s.held)),
		again: make([]bool, len(s.tail.recent))}
	f := framesOf(s.tail.recent)
	o.audio = alignment{follower: follower{frames: f, shift: shift}, pair: -1}
	o.video = alignment{follower: follower{frames: f, shift: shift}, pair: -1}
	for i := range s.held {
		o.found[i] = -1
		if s.held[i].isFrame() {
			o.align(i)
		}
	}
	for i := range s.held {
		if !s.held[i].isFrame() {
			continue
		}
		a := o.track(s.held[i].typ)
		if !a.seen {
			a.seen, a.first = true, o.at[i]
		}
		a.last = o.at[i]
	}
	for i := range s.tail.recent {
		e := &s.tail.recent[i]
		if a := o.track(e.typ); !o.again[i] && (!a.seen || int32(e.time-a.first) < 0) {
			o.lowest = max(o.lowest, i+1)
		}
	}
	return o
}

// align looks for a held frame in the file.
func (o *overlap) align(i int) {
	h := &o.held[i]
	a := o.track(h.typ)
	before := a.shift
	e, ok := a.find(h.content, h.Timestamp)
	o.at[i] = h.Timestamp + a.shift
	if !ok {
		a.fresh = true
		return
	}
	recent := o.tail.recent
	k, _ := slices.BinarySearchFunc(recent, e.offset, func(e entry, offset int64) int { return cmp.Compare(e.offset, offset) })
	o.found[i], o.again[k] = k, true
	if a.pair < 0 { // what came before it is late by as much
		for j := range i {
			if o.held[j].typ == h.typ {
				o.at[j] += a.shift - before
			}
		}
	} else if !a.fresh { // what the file has in between was dropped this time: it stays
		for j := k - 1; j > a.pair; j-- {
			if recent[j].typ == h.typ {
				o.lowest = max(o.lowest, j+1)
				break
			}
		}
	}
	a.pair, a.fresh = k, false
}

func (o *overlap) track(kind flv.TagType) *alignment {
	if kind == flv.TagVideo {
		return &o.video
	}
	return &o.audio
}

// passed reports whether every track has come past its end in the file.
func (o *overlap) passed() bool { return o.tail.passed(&o.audio.span, &o.video.span) }

// unlike reports whether nothing has been the same for long, in that part of the file that is known.
func (o *overlap) unlike() bool {
	since := o.tail.recent[0].time
	for _, a := range []*alignment{&o.audio, &o.video} {
		if a.pair >= 0 && int32(o.tail.recent[a.pair].time-since) > 0 {
			since = o.tail.recent[a.pair].time
		}
	}
	return int32(o.at[len(o.at)-1]-since) > maxUnlike
}

// alike reports whether most of what should have come again has.
func (o *overlap) alike() bool {
	same, all := 0, 0
	for i := range o.tail.recent {
		e := &o.tail.recent[i]
		if o.again[i] {
			same++
		}
		if a := o.track(e.typ); o.again[i] || a.seen && int32(e.time-a.first) >= 0 {
			all++
		}
	}
	return 2*same > all
}

// plan keeps what is in the file up to the first tag that is damaged or that others follow in what has arrived, and goes
// on with what has arrived and is not in there.
func (o *overlap) plan() plan { return o.keep(o.kept()) }

// keep goes on behind so many of tail.recent.
func (o *overlap) keep(keep int) plan {
	t := o.tail
	p := plan{cut: t.end, byContent: true}
	if keep < len(t.recent) {
		p.cut = t.recent[keep].offset
	}
	var audio, video track // as far as they are kept
	for _, e := range t.recent[:keep] {
		pick(e.typ, &audio, &video).advance(e.time)
	}
	p.covered = o.covers(t.recent[keep:])
	p.gap = max(gap(&audio, &o.audio.span), gap(&video, &o.video.span))
	p.shifts.other = o.shift
	joints := map[flv.TagType]joint{flv.TagAudio: o.joint(flv.TagAudio, keep), flv.TagVideo: o.joint(flv.TagVideo, keep)}
	for kind, j := range joints {
		*p.shifts.of(kind) = j.shift
	}
	for i := range o.held {
		h := &o.held[i]
		write := false
		switch {
		case h.isFrame():
			j, kept := joints[h.typ], pick(h.typ, &audio, &video)
			write = i > j.held && o.inside(i) && (j.exact || !kept.seen || int32(h.Timestamp+j.shift-kept.last) > 0)
		case h.isConfig():
			write = !t.headers.Has(h.Tag)
		}
		if write {
			p.tags = append(p.tags, *h)
		} else {
			p.dropped++
		}
	}
	return p
}

// joint is where a track goes on.
type joint struct {
	held  int    // what has arrived up to here is in the file, or would be in front of what is; -1: nothing
	exact bool   // what is kept of the track ends there
	shift uint32 // to be added to the times of what follows
}

// joint looks for the newest held frame among those that are kept.
func (o *overlap) joint(kind flv.TagType, keep int) joint {
	last := keep - 1
	for last >= 0 && o.tail.recent[last].typ != kind {
		last--
	}
	j := joint{held: -1, shift: o.shift}
	begun := false
	for i := range o.held {
		h := &o.held[i]
		switch k := o.found[i]; {
		case !h.isFrame() || h.typ != kind:
		case k >= 0 && k < keep:
			j = joint{i, k == last, o.at[i] - h.Timestamp}
			begun = true
		case k >= 0 && last >= 0 && !j.exact: // what came since the one before is where others stay
			return joint{i - 1, true, o.at[i] - h.Timestamp}
		case !begun:
			j.shift, begun = o.at[i]-h.Timestamp, true
		}
	}
	return j
}

// covers reports whether what has arrived goes as far as these tags do.
func (o *overlap) covers(cut []entry) bool {
	return !slices.ContainsFunc(cut, func(e entry) bool {
		a := o.track(e.typ)
		return !a.seen || int32(e.time-a.last) > 0
	})
}

// gap is what is missing between the end of a track and where it begins again.
func gap(t *track, sp *span) time.Duration {
	if !sp.seen {
		return 0
	}
	return t.gap(sp.first)
}

// inside reports whether a held frame is not of the part of the file that is forgotten.
func (o *overlap) inside(i int) bool {
	oldest := o.tail.recent[0]
	if oldest.offset == o.tail.first.offset {
		return int32(o.at[i]-oldest.time) >= 0
	}
	since, seen := o.oldest[o.held[i].typ] // tracks may be late by more than each other
	if !seen {
		since = oldest.time
	}
	return int32(o.at[i]-since) > 0
}

// kept is how many of tail.recent stay in the file.
func (o *overlap) kept() int {
	keep := max(o.same(), o.lowest)
	for i := o.lowest; i < keep; i++ {
		e := &o.tail.recent[i]
		if a := o.track(e.typ); !o.again[i] && int32(a.last-e.time) >= 0 {
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
		case o.inside(i):
			return keep
		}
	}
	return len(o.tail.recent)
}
