package download

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	// maxHeld is how many bytes are held back at most while looking for where they continue the file.
	maxHeld = 256 << 20
	// overtake is how far the new tags may get beyond the end of the file, ms, while one of the tracks lags behind.
	overtake = 2000
	// heldSize is what a held tag costs beside its body, bytes: a held, what append leaves free behind it, and a rounding up.
	heldSize = 256
	// enough is how many sounds have to be the same, where there is no picture to tell. In a file that has less, all have to.
	enough = 3
	// maxSame is how many tags may have the same content, such as silence, before only those count that are where they are
	// expected.
	maxSame = 32
	// maxShifts is how many differences of time are voted on.
	maxShifts = 1 << 16
	// maxUnlike is how long nothing has to be the same any more, ms, after something was: then the end of the file is passed, or
	// it is nowhere, because its times are damaged.
	maxUnlike = 5000
)

// held is a tag that has arrived and may have to be written. Its body is a copy.
type held struct {
	flv.Tag
	content
	kind flv.Kind
}

func (h *held) isFrame() bool { return isFrame(h.kind) }

// isConfig reports whether it is repeated whenever playing begins, and is not metadata.
func (h *held) isConfig() bool { return h.kind == flv.KindHeader && h.typ != flv.TagScript }

// votes are for a difference between the times of the new tags and those of the file.
type votes struct {
	tags int    // that are in the file if that is so
	only int    // those of them that the file has at one place, unlike silence
	sure bool   // a picture is among them
	last uint32 // the new time of the last of them
}

// compare is positive if v says more than w.
func (v votes) compare(w votes) int {
	return cmp.Or(cmp.Compare(v.only, w.only), cmp.Compare(v.tags, w.tags))
}

// tell reports whether enough tags are the same for it to be no coincidence.
func (s *splice) tell(v votes) bool { return v.sure || v.tags >= min(enough, len(s.tail.recent)) }

// splice finds out how what a server sends continues a file. It is given all tags, from the first, until it has gone
// beyond the end of the file.
type splice struct {
	tail   *tail
	live   bool                 // nothing of it comes twice: it may be joined by time
	from   uint32               // the time that the server was asked for, in the file's terms
	places map[content][]uint32 // the times at which the file has a content
	held   []held
	bytes  int // of memory that held takes
	wanted int // bytes that have to be held before what is cut off can have been replaced

	votes  map[uint32]votes       // by what is added to the new times
	best   uint32                 // what most are for
	told   bool                   // there is a best
	usual  int                    // how many there should be for guess
	oldest map[flv.TagType]uint32 // time of the first frame of tail.recent

	haveKey bool
	audio   track // of what has arrived, in its own time
	video   track
	began   bool
	first   uint32 // time of the first frame that has arrived
}

func newSplice(t *tail, from uint32, live bool) *splice {
	s := &splice{tail: t, live: live, from: from, places: make(map[content][]uint32), votes: make(map[uint32]votes),
		oldest: make(map[flv.TagType]uint32)}
	for _, e := range t.recent {
		if _, seen := s.oldest[e.typ]; !seen {
			s.oldest[e.typ] = e.time
		}
	}
	// A key frame may be in both: then its two places follow each other but in still pictures, where a vote more is no harm.
	for _, list := range [][]entry{t.keys, t.recent} {
		for _, e := range list {
			if times := s.places[e.content]; len(times) == 0 || times[len(times)-1] != e.time {
				s.places[e.content] = append(times, e.time)
			}
		}
	}
	return s
}

// plan is how to go on with the file.
type plan struct {
	cut       int64 // the file ends here
	shifts    shifts
	tags      []held // to be written first, with their own times
	dropped   int    // held tags that the file has
	byContent bool
	covered   bool          // what has arrived goes as far in time as what is cut off
	gap       time.Duration // what is missing between the end of the file and the new tags
}

// shifts are to be added to the times of what arrives, modulo 2^32.
type shifts struct{ audio, video, other uint32 }

func (s *shifts) of(kind flv.TagType) *uint32 {
	switch kind {
	case flv.TagAudio:
		return &s.audio
	case flv.TagVideo:
		return &s.video
	}
	return &s.other
}

// missing is how many bytes more would be cut off a file that ends at end than there are to replace them. Where times go as
// far that is 0, whatever the size is: the server has nothing else for them.
func (p *plan) missing(end int64) int {
	if p.covered {
		return 0
	}
	n := end - p.cut
	for i := range p.tags {
		n -= int64(len(p.tags[i].Body)) + flv.TagOverhead
	}
	return int(max(0, n))
}

// add takes a tag, and reports whether the splice can be made. Once more than maxHeld bytes are held it is ErrNoMatch.
func (s *splice) add(tag flv.Tag) (ready bool, err error) {
	h := held{Tag: tag, content: s.tail.contentOf(tag), kind: kindOf(tag)}
	h.Body = bytes.Clone(tag.Body)
	if h.kind == flv.KindKeyFrame {
		s.forget()
		s.haveKey = true
	}
	s.held = append(s.held, h)
	if s.bytes += len(h.Body) + heldSize; s.bytes > maxHeld {
		return false, ErrNoMatch
	}
	if !h.isFrame() {
		return false, nil
	}
	if !s.began {
		s.began, s.first = true, h.Timestamp
	}
	pick(h.typ, &s.audio, &s.video).advance(h.Timestamp)
	s.vote(&h)
	shift, byContent := s.shift()
	if !byContent {
		return s.beyond(shift) && s.tail.video.seen == s.haveKey, nil
	}
	if !s.beyond(shift) && !s.unlike(shift, h.Timestamp+shift) || s.bytes < s.wanted {
		return false, nil
	}
	o := newOverlap(s, shift)
	p := o.plan()
	missing := p.missing(s.tail.end)
	if missing == 0 && !o.passed() && !o.unlike() {
		missing = 1 + s.bytes/16 // comparing all of it for each tag would take too long
	}
	s.wanted = s.bytes + missing
	return missing == 0, nil
}

// unlike reports whether nothing has been the same for long, in that part of the file that is known.
func (s *splice) unlike(shift, now uint32) bool {
	since := s.votes[shift].last + shift
	if oldest := s.tail.recent[0].time; int32(oldest-since) > 0 {
		since = oldest
	}
	return int32(now-since) > maxUnlike
}

// vote notes by how much the new times differ from those of the file, if h is in it.
func (s *splice) vote(h *held) {
	places := s.places[h.content]
	guess := s.guess()
	oldest, seen := s.oldest[h.typ]
	if at := h.Timestamp + guess; seen && int32(at-oldest) >= 0 && int32(at-s.tail.trackOf(h.typ).last) <= 0 {
		s.usual++
	}
	for _, at := range places {
		shift := at - h.Timestamp
		if len(places) > maxSame && !near(shift, guess) {
			continue
		}
		v, known := s.votes[shift]
		if !known && len(s.votes) >= maxShifts {
			continue
		}
		v.tags, v.sure, v.last = v.tags+1, v.sure || h.typ == flv.TagVideo, h.Timestamp
		if len(places) == 1 {
			v.only++
		}
		s.votes[shift] = v
		if c := v.compare(s.votes[s.best]); s.tell(v) && (!s.told || c > 0 || c == 0 && closer(shift, s.best, guess)) {
			s.best, s.told = shift, true
		}
	}
}

// shift is what has to be added to the new times: what is usual if no tag contradicts that (in a stream that repeats itself
// more may agree with something else), else what most tags say, else (not by content) what is usual.
func (s *splice) shift() (shift uint32, byContent bool) {
	guess := s.guess()
	if v := s.votes[guess]; s.tell(v) && v.tags >= s.usual {
		return guess, true
	}
	if s.told {
		return s.best, true
	}
	return guess, false
}

// guess is the usual shift: servers count from the beginning of the stream, or from where they begin to play.
func (s *splice) guess() uint32 {
	if countsFromStart(s.first, s.from) {
		return s.from - s.first
	}
	return 0
}

// countsFromStart reports whether a server's first timestamp means that its times count from where it begins to play: they
// are (nearly) 0 then.
func countsFromStart(first, from uint32) bool { return abs(first) < min(abs(from)/2, 1000) }

func closer(a, b, to uint32) bool { return abs(a-to) < abs(b-to) || abs(a-to) == abs(b-to) && a < b }

func abs(d uint32) uint32 {
	if int32(d) < 0 {
		return -d
	}
	return d
}

// beyond reports whether every track has come past its end in the file.
func (s *splice) beyond(shift uint32) bool {
	audio := span{seen: s.audio.seen, last: s.audio.last + shift}
	video := span{seen: s.video.seen, last: s.video.last + shift}
	return s.tail.passed(&audio, &video)
}

// forget lets go of what can't be needed any more when a key frame comes: all that is before the part of the file that
// is known, and if nothing is known to be the same, all before that key frame, unless it is beyond the file.
func (s *splice) forget() {
	shift, byContent := s.shift()
	if !byContent {
		if s.beyond(shift) {
			return
		}
		s.keep(func(h *held) bool { return !h.isFrame() })
		return
	}
	if len(s.tail.recent) == 0 {
		return
	}
	oldest := s.tail.recent[0].time
	s.keep(func(h *held) bool {
		return !h.isFrame() || int32(h.Timestamp+shift-oldest) >= 0
	})
}

func pick(kind flv.TagType, audio, video *track) *track {
	if kind == flv.TagVideo {
		return video
	}
	return audio
}

func (s *splice) keep(wanted func(*held) bool) {
	kept := s.held[:0]
	s.bytes = 0
	for i := range s.held {
		if wanted(&s.held[i]) {
			kept = append(kept, s.held[i])
			s.bytes += len(s.held[i].Body) + heldSize
		}
	}
	clear(s.held[len(kept):])
	s.held = kept
}

// plan says how to go on. ended says that nothing more will come. ok is false when that is not known: nothing is the same, or
// there is not enough to replace what differs.
func (s *splice) plan(ended bool) (p plan, ok bool) {
	shift, byContent := s.shift()
	if byContent {
		o := newOverlap(s, shift)
		if p = o.plan(); ended && p.missing(s.tail.end) > 0 && o.alike() {
			p = o.keep(len(s.tail.recent)) // the server has dropped what is missing
		}
		return p, p.missing(s.tail.end) == 0
	}
	if !s.live || ended && !s.beyond(shift) || s.tail.video.seen != s.haveKey {
		return plan{}, false
	}
	return s.byTime(shift)
}

// overlaps reports whether what has arrived seems to begin before the end of the file.
func (s *splice) overlaps() bool {
	return int32(s.first+s.guess()-s.tail.last()) <= 0
}

// byTime joins the file and what arrives at the newest key frame that is not beyond the end of the file, or at the first.
func (s *splice) byTime(shift uint32) (p plan, ok bool) {
	t := s.tail
	joint := s.firstKey(shift)
	if joint < 0 {
		return plan{}, false
	}
	at := s.held[joint].Timestamp + shift
	if int32(at-t.recent[0].time) < 0 && t.recent[0].offset != t.first.offset {
		return plan{}, false // what is there in the file is not known any more
	}
	p = plan{cut: t.end, shifts: shifts{shift, shift, shift}}
	p.gap = t.trackOf(s.held[joint].typ).gap(at)
	sound := at - 1 // the last of what stays
	for _, e := range t.recent {
		if int32(e.time-at) >= 0 {
			p.cut = e.offset
			break
		}
		if e.typ == flv.TagAudio {
			sound = e.time
		}
	}
	for i := range s.held {
		h := &s.held[i]
		ms := h.Timestamp + shift
		switch {
		case h.isConfig() && !t.headers.Has(h.Tag),
			h.typ == flv.TagVideo && h.isFrame() && i >= joint,
			h.typ == flv.TagAudio && h.isFrame() && int32(ms-sound) > 0:
			p.tags = append(p.tags, *h)
		default:
			p.dropped++
		}
	}
	return p, true
}

// firstKey is the index of the held tag at which a joint by time is made, -1 if there is none.
func (s *splice) firstKey(shift uint32) int {
	return slices.IndexFunc(s.held, func(h held) bool {
		if s.video.seen {
			return h.kind == flv.KindKeyFrame
		}
		return h.isFrame() && int32(h.Timestamp+shift-s.tail.last()) > 0
	})
}
