package download

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	// maxHeld bounds the memory of held tags, in bytes.
	maxHeld = 256 << 20
	// maxLag is how far the new tags may pass the end of the file while one of the tracks lags, in ms.
	maxLag = 2000
	// heldSize is the memory of a held tag in addition to its body, in bytes.
	heldSize = 256
	// minMatches is the number of audio frames that must match if no video frame matches. If the file has fewer audio frames, all must
	// match.
	minMatches = 3
	// maxSame is how many tags of the file with the same content, such as silence, are compared. If there are more, only the tags near the
	// expected time are compared.
	maxSame = 32
	// maxShifts bounds the number of time shifts that are voted on.
	maxShifts = 1 << 16
	// maxUnmatched is the time, in ms, after which the search ends if no tag has matched since an earlier match. The new tags have then passed
	// the end of the file, or the timestamps at its end are damaged.
	maxUnmatched = 5000
	// maxAhead is how much the time of a live stream may differ from the clock, in ms, because servers and networks delay media.
	maxAhead = 10_000
)

// held is a tag that has arrived and may have to be written. It owns its body.
type held struct {
	flv.Tag
	content
	kind flv.Kind
}

func (h *held) isFrame() bool { return isFrame(h.kind) }

// isConfig reports whether the tag is a decoder configuration, which servers repeat whenever playing begins.
func (h *held) isConfig() bool { return h.kind == flv.KindHeader && h.typ != flv.TagScript }

// votes counts the matching tags that support a shift between the new times and the times of the file.
type votes struct {
	tags   int    // number of tags that match with this shift
	unique int    // those of them whose content is at only one place in the file
	video  bool   // one of them is video
	last   uint32 // new time of the last matching tag
	period uint32 // if the stream repeats itself, the period is longer than this, in ms
}

func (v votes) compare(w votes) int {
	return cmp.Or(cmp.Compare(v.unique, w.unique), cmp.Compare(v.tags, w.tags))
}

// conclusive reports whether v has so many matches that they can't be a coincidence.
func (s *splice) conclusive(v votes) bool {
	return v.video || v.tags >= min(minMatches, len(s.tail.recent))
}

// splice finds out where the server's stream continues the file. It receives all tags of the session until it has found that position.
type splice struct {
	tail      *tail
	live      bool                 // the stream is live: nothing is sent twice, so it may be joined by time
	from      uint32               // the position requested from the server, in the file's times
	timesOf   map[content][]uint32 // times in the file of each content
	held      []held
	bytes     int // memory of held
	recheckAt int // size of the held tags at which to check again whether they can replace the part to be cut off

	votes      map[uint32]votes       // votes by shift; the shift is added to the new times
	best       uint32                 // the shift with the most votes
	hasBest    bool                   // best is valid
	usualVotes int                    // number of votes that the usual shift should have by now
	oldest     map[flv.TagType]uint32 // time of the first frame in tail.recent

	haveKey bool
	audio   track // tracks of the tags that have arrived, in the session's times
	video   track
	started bool
	first   uint32 // time of the first frame that has arrived
}

func newSplice(t *tail, from uint32, live bool) *splice {
	s := &splice{tail: t, live: live, from: from, timesOf: make(map[content][]uint32), votes: make(map[uint32]votes),
		oldest: make(map[flv.TagType]uint32)}
	for _, e := range t.recent {
		if _, seen := s.oldest[e.typ]; !seen {
			s.oldest[e.typ] = e.time
		}
	}
	// Count a key frame that is in both lists once. (In streams of still pictures it may count twice, which is harmless.)
	for _, list := range [][]entry{t.keys, t.recent} {
		for _, e := range list {
			if times := s.timesOf[e.content]; len(times) == 0 || times[len(times)-1] != e.time {
				s.timesOf[e.content] = append(times, e.time)
			}
		}
	}
	return s
}

type plan struct {
	cut       int64 // new end of the file
	shifts    shifts
	tags      []held // held tags to be written, with the session's times
	dropped   int    // held tags that are in the file already
	byContent bool
	period    time.Duration // if the stream repeats itself and was joined by its content, the period is longer than this
	covered   bool          // the held tags extend as far in time as the part that is cut off
	gap       time.Duration // time missing between the end of the file and the new tags
}

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

// missing returns how many more bytes must arrive before the new tags can replace the end of a file of size end.
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

// add holds a tag, and reports whether the splice can be made. If more than maxHeld bytes are held, the error is ErrNoMatch.
func (s *splice) add(tag flv.Tag) (ready bool, err error) {
	h := held{Tag: tag, content: s.tail.contentOf(tag), kind: kindOf(tag)}
	h.Body = bytes.Clone(tag.Body)
	if h.kind == flv.KindKeyFrame {
		s.release()
		s.haveKey = true
	}
	s.held = append(s.held, h)
	if s.bytes += len(h.Body) + heldSize; s.bytes > maxHeld {
		return false, ErrNoMatch
	}
	if !h.isFrame() {
		return false, nil
	}
	if !s.started {
		s.started, s.first = true, h.Timestamp
	}
	trackFor(h.typ, &s.audio, &s.video).advance(h.Timestamp)
	s.vote(&h)
	shift, byContent := s.shift()
	if !byContent {
		return s.passedEnd(shift) && s.tail.video.seen == s.haveKey, nil
	}
	if !s.passedEnd(shift) && !s.noRecentMatch(shift, h.Timestamp+shift) || s.bytes < s.recheckAt {
		return false, nil
	}
	o := newOverlap(s, shift)
	if o.coincidence() {
		s.recheckAt = s.bytes + 1 + s.bytes/16 // better matches may follow
		return s.live && s.passedEnd(s.usualShift()) && s.tail.video.seen == s.haveKey, nil
	}
	p := o.plan()
	missing := p.missing(s.tail.end)
	if missing == 0 && !o.passed() && !o.noRecentMatch() {
		missing = 1 + s.bytes/16 // comparing for every tag would take too long
	}
	s.recheckAt = s.bytes + missing
	return missing == 0, nil
}

// noRecentMatch reports whether no tag has matched for a long time, within the known part of the file.
func (s *splice) noRecentMatch(shift, now uint32) bool {
	since := s.votes[shift].last + shift
	if oldest := s.tail.recent[0].time; int32(oldest-since) > 0 {
		since = oldest
	}
	return int32(now-since) > maxUnmatched
}

func (s *splice) vote(h *held) {
	places := s.timesOf[h.content]
	guess := s.usualShift()
	oldest, seen := s.oldest[h.typ]
	if at := h.Timestamp + guess; seen && int32(at-oldest) >= 0 && int32(at-s.tail.trackOf(h.typ).last) <= 0 {
		s.usualVotes++
	}
	for _, at := range places {
		shift := at - h.Timestamp
		if len(places) > maxSame && !nearlyEqual(shift, guess) {
			continue
		}
		v, known := s.votes[shift]
		if !known && len(s.votes) >= maxShifts {
			continue
		}
		v.tags, v.video, v.last = v.tags+1, v.video || h.typ == flv.TagVideo, h.Timestamp
		if len(places) == 1 {
			v.unique++
			if d := at - s.begin(h); int32(d) > int32(v.period) {
				v.period = d
			}
		}
		s.votes[shift] = v
		if s.live && s.hasBest && int32(h.Timestamp+s.best-s.tail.trackOf(h.typ).last) > 0 {
			continue // s.best can't match any more: in a live stream, which repeats only its newest part, an earlier place is not better for that
		}
		if c := v.compare(s.votes[s.best]); s.conclusive(v) && (!s.hasBest || c > 0 || c == 0 && closer(shift, s.best, guess)) {
			s.best, s.hasBest = shift, true
		}
	}
}

// begin returns the time from which on all places of the content of h in the file are known.
func (s *splice) begin(h *held) uint32 {
	if h.kind == flv.KindKeyFrame && len(s.tail.keys) > 0 {
		return s.tail.keys[0].time
	}
	return s.oldest[h.typ]
}

// shift returns the shift for the new times, and whether tags match with it. It returns the usual shift if no tag contradicts it, since in
// a stream that repeats itself another shift may get more votes. Otherwise it returns the shift with the most votes or, without votes, the
// usual one. If a live stream counts on after a gap, its times are believed, not the votes.
func (s *splice) shift() (shift uint32, byContent bool) {
	guess := s.usualShift()
	if v := s.votes[guess]; s.conclusive(v) && v.tags >= s.usualVotes {
		return guess, true
	}
	if s.hasBest && !(s.live && s.continues() && s.usualVotes == 0) {
		return s.best, true
	}
	return guess, false
}

// continues reports whether the server's timestamps seem to count on after the end of the file.
func (s *splice) continues() bool {
	return !countsFromStart(s.first, s.from) && abs(s.first-s.from) <= maxAhead
}

// usualShift returns the shift for a server that counts from the beginning of the stream or from where it begins to play.
func (s *splice) usualShift() uint32 {
	if countsFromStart(s.first, s.from) {
		return s.from - s.first
	}
	return 0
}

// countsFromStart reports whether a server counts from where it begins to play: its first timestamp is close to 0, although playing begins
// later.
func countsFromStart(first, from uint32) bool { return abs(first) < min(abs(from)/2, 1000) }

func closer(a, b, to uint32) bool { return abs(a-to) < abs(b-to) || abs(a-to) == abs(b-to) && a < b }

func abs(d uint32) uint32 {
	if int32(d) < 0 {
		return -d
	}
	return d
}

// passedEnd reports whether every track has passed its end in the file.
func (s *splice) passedEnd(shift uint32) bool {
	audio := span{seen: s.audio.seen, last: s.audio.last + shift}
	video := span{seen: s.video.seen, last: s.video.last + shift}
	return s.tail.passed(&audio, &video)
}

// release is called at a key frame. It drops the held tags that lie before the known part of the file. If nothing has matched yet, it drops
// all tags before the key frame, unless the key frame lies after the end of the file.
func (s *splice) release() {
	shift, byContent := s.shift()
	if !byContent {
		if s.passedEnd(shift) {
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

func trackFor(kind flv.TagType, audio, video *track) *track {
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

func (s *splice) plan(ended bool) (p plan, ok bool) {
	shift, byContent := s.shift()
	if byContent {
		if o := newOverlap(s, shift); !o.coincidence() {
			if p = o.plan(); ended && p.missing(s.tail.end) > 0 && o.enoughMatches() {
				p = o.planFor(len(s.tail.recent)) // the server has dropped the missing frames
			}
			return p, p.missing(s.tail.end) == 0
		}
		shift = s.usualShift()
	}
	if !s.live || ended && !s.passedEnd(shift) || s.tail.video.seen != s.haveKey {
		return plan{}, false
	}
	return s.byTime(shift)
}

// overlaps reports whether the held tags seem to begin before the end of the file.
func (s *splice) overlaps() bool {
	return int32(s.first+s.usualShift()-s.tail.last()) <= 0
}

// byTime joins the file and the held tags at a key frame.
func (s *splice) byTime(shift uint32) (p plan, ok bool) {
	t := s.tail
	joint := s.firstKey(shift)
	if joint < 0 {
		return plan{}, false
	}
	at := s.held[joint].Timestamp + shift
	if int32(at-t.recent[0].time) < 0 && t.recent[0].offset != t.first.offset {
		return plan{}, false // the contents of the file there are no longer known
	}
	p = plan{cut: t.end, shifts: shifts{shift, shift, shift}}
	p.gap = t.trackOf(s.held[joint].typ).gap(at)
	sound := at - 1 // the last audio frame that stays
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

// firstKey returns the index of the held tag at which the stream is joined by time, or -1.
func (s *splice) firstKey(shift uint32) int {
	return slices.IndexFunc(s.held, func(h held) bool {
		if s.video.seen {
			return h.kind == flv.KindKeyFrame
		}
		return h.isFrame() && int32(h.Timestamp+shift-s.tail.last()) > 0
	})
}
