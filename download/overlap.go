package download

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// overlap compares the held tags with the end of the file, track by track, after the time shift between them is known.
type overlap struct {
	*splice
	shift        uint32
	found        []int    // index in tail.recent of each held tag; -1 if it is not there
	times        []uint32 // time of each held tag in the file
	repeated     []bool   // tags of tail.recent that have arrived again
	lowest       int      // all tags of tail.recent from this index on have arrived again, or should have arrived
	audio, video alignment
}

type alignment struct {
	follower
	span
	pair  int  // index in tail.recent of the newest frame that was found; -1 if none
	fresh bool // frames that are not in the file have arrived after that one
}

// span is the time range of a track's new tags, in times of the file.
type span struct {
	seen        bool
	first, last uint32
}

func newOverlap(s *splice, shift uint32) *overlap {
	o := &overlap{splice: s, shift: shift, found: make([]int, len(s.held)), times: make([]uint32, len(s.held)),
		repeated: make([]bool, len(s.tail.recent))}
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
			a.seen, a.first = true, o.times[i]
		}
		a.last = o.times[i]
	}
	for i := range s.tail.recent {
		e := &s.tail.recent[i]
		if a := o.track(e.typ); !o.repeated[i] && (!a.seen || int32(e.time-a.first) < 0) {
			o.lowest = max(o.lowest, i+1)
		}
	}
	return o
}

func (o *overlap) align(i int) {
	h := &o.held[i]
	a := o.track(h.typ)
	before := a.shift
	e, ok := a.find(h.content, h.Timestamp)
	o.times[i] = h.Timestamp + a.shift
	if !ok {
		a.fresh = true
		return
	}
	recent := o.tail.recent
	k, _ := slices.BinarySearchFunc(recent, e.offset, func(e entry, offset int64) int { return cmp.Compare(e.offset, offset) })
	o.found[i], o.repeated[k] = k, true
	if a.pair < 0 { // earlier frames have the same shift
		for j := range i {
			if o.held[j].typ == h.typ {
				o.times[j] += a.shift - before
			}
		}
	} else if !a.fresh { // the frames between the two are only in the file, and stay there
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

func (o *overlap) passed() bool { return o.tail.passed(&o.audio.span, &o.video.span) }

// noRecentMatch reports whether no frame has matched for a long time, within the known part of the file.
func (o *overlap) noRecentMatch() bool {
	since := o.tail.recent[0].time
	for _, a := range []*alignment{&o.audio, &o.video} {
		if a.pair >= 0 && int32(o.tail.recent[a.pair].time-since) > 0 {
			since = o.tail.recent[a.pair].time
		}
	}
	return int32(o.times[len(o.times)-1]-since) > maxUnmatched
}

// enoughMatches reports whether more than half of the frames that should have arrived again have done so.
func (o *overlap) enoughMatches() bool {
	same, all := 0, 0
	for i := range o.tail.recent {
		e := &o.tail.recent[i]
		if o.repeated[i] {
			same++
		}
		if a := o.track(e.typ); o.repeated[i] || a.seen && int32(e.time-a.first) >= 0 {
			all++
		}
	}
	return 2*same > all
}

// coincidence reports whether most frames of a track differ between the first match and the last, as when the picture repeats itself, but
// not the sound.
func (o *overlap) coincidence() bool {
	first := slices.Index(o.repeated, true)
	if first < 0 {
		return false // the matching tags are before the known part
	}
	last := len(o.repeated) - 1
	for !o.repeated[last] {
		last--
	}
	for _, kind := range []flv.TagType{flv.TagAudio, flv.TagVideo} {
		same, all := 0, 0
		for i := first; i <= last; i++ {
			e, a := &o.tail.recent[i], o.track(kind)
			if e.typ != kind || !a.seen || int32(e.time-a.first) < 0 || int32(e.time-a.last) > 0 {
				continue
			}
			if all++; o.repeated[i] {
				same++
			}
		}
		if all >= minMatches && 2*same <= all {
			return true
		}
	}
	return false
}

func (o *overlap) plan() plan { return o.planFor(o.kept()) }

// planFor returns the plan that keeps the first keep tags of tail.recent.
func (o *overlap) planFor(keep int) plan {
	t := o.tail
	p := plan{cut: t.end, byContent: true, period: ms(o.votes[o.shift].period)}
	if keep < len(t.recent) {
		p.cut = t.recent[keep].offset
	}
	var audio, video track // tracks of the kept tags
	for _, e := range t.recent[:keep] {
		trackFor(e.typ, &audio, &video).advance(e.time)
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
			j, kept := joints[h.typ], trackFor(h.typ, &audio, &video)
			write = i > j.held && o.isKnownPart(i) && (j.exact || !kept.seen || int32(h.Timestamp+j.shift-kept.last) > 0)
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

type joint struct {
	held  int    // number of held tags up to the last one that is in the file; -1 if none is
	exact bool   // the kept part of the track ends at the joint
	shift uint32 // to be added to the times after the joint
}

// joint finds the newest held frame that is among the kept frames.
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
			j = joint{i, k == last, o.times[i] - h.Timestamp}
			begun = true
		case k >= 0 && last >= 0 && !j.exact: // between these matches the file keeps other tags
			return joint{i - 1, true, o.times[i] - h.Timestamp}
		case !begun:
			j.shift, begun = o.times[i]-h.Timestamp, true
		}
	}
	return j
}

// covers reports whether the held tags extend to the end of cut, the tags to be removed.
func (o *overlap) covers(cut []entry) bool {
	return !slices.ContainsFunc(cut, func(e entry) bool {
		a := o.track(e.typ)
		return !a.seen || int32(e.time-a.last) > 0
	})
}

func gap(t *track, sp *span) time.Duration {
	if !sp.seen {
		return 0
	}
	return t.gap(sp.first)
}

// isKnownPart reports whether a held frame lies within the known part of the file.
func (o *overlap) isKnownPart(i int) bool {
	oldest := o.tail.recent[0]
	if oldest.offset == o.tail.first.offset {
		return int32(o.times[i]-oldest.time) >= 0
	}
	since, seen := o.oldest[o.held[i].typ] // the tracks may drift differently
	if !seen {
		since = oldest.time
	}
	return int32(o.times[i]-since) > 0
}

// kept returns the number of tags of tail.recent that stay in the file.
func (o *overlap) kept() int {
	keep := max(o.beforeFirstNew(), o.lowest)
	for i := o.lowest; i < keep; i++ {
		e := &o.tail.recent[i]
		if a := o.track(e.typ); !o.repeated[i] && int32(a.last-e.time) >= 0 {
			return i // damaged
		}
	}
	return keep
}

// beforeFirstNew returns the number of tags of tail.recent before the first new one.
func (o *overlap) beforeFirstNew() int {
	keep := 0
	for i := range o.held {
		switch h := &o.held[i]; {
		case !h.isFrame():
		case o.found[i] >= 0:
			keep = max(keep, o.found[i]+1)
		case o.isKnownPart(i):
			return keep
		}
	}
	return len(o.tail.recent)
}
