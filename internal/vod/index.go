package vod

import (
	"context"
	"errors"
	"io"
	"slices"
	"sort"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	// maxWeight is the maximum number of entries and headers of an index, added together. Each occupies at most 40 bytes.
	maxWeight = 16 << 10
	// maxHeaders is the number of headers that may be valid at the same time. flv.Headers has the
	// same limit.
	maxHeaders = 64
	// audioStep is the distance between entries before the first video tag, in ms. A file without video has only
	// such entries.
	audioStep = 1000
)

// errStale means that the file has changed since the index was made.
var errStale = errors.New("the index does not fit the file")

// index lists the positions at which playing may begin. An index does not change after it has been shared; extended makes a new one.
type index struct {
	entries []entry // entries in increasing order of position and time; the first is the beginning of the file
	spacing int     // every spacing-th key frame has an entry
	weight  int     // number of entries, plus the number of headers; headers that entries share are counted once

	line      flv.Timeline
	now, last int64       // the time of the last tag, and the largest time of all tags, in ms
	timed     bool        // a tag with a time has been added
	size      int64       // size of the file
	tail      head        // head of the last whole tag
	headers   []headerPos // headers that are valid after the last tag
	picture   int64       // position of the first video tag; 0 if there is none yet
	track     uint8       // the video track of the first key frame; only key frames of this track have entries
	unlisted  int         // number of key frames since the last entry
}

// entry is a position at which playing may begin.
type entry struct {
	at      int64       // position of the tag
	time    int64       // time in ms; may exceed 32 bits
	headers []headerPos // headers that are valid at the position
}

// headerPos is the position of a header.
type headerPos struct {
	about flv.Subject
	at    int64
}

// newIndex returns the index of a file without tags. first is the position of its first tag.
func newIndex(first int64) *index {
	return &index{entries: []entry{{at: first}}, weight: 1, spacing: 1, tail: head{at: first, size: -flv.TagOverhead}}
}

// scan adds the tags from the scanner's position to the end. If the file is damaged, it stops there without an error, since the file can be
// played up to there.
func (x *index) scan(ctx context.Context, s *scanner) error {
	const often = 1 << 10 // number of tags between checks of ctx
	x.size = s.size
	var h head
	for n := 1; s.next(&h); n++ {
		x.add(&h)
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if isDamage(s.err) {
		return nil
	}
	return s.err
}

// isDamage reports whether err means that the contents of a file are invalid, rather than that reading has failed.
func isDamage(err error) bool {
	_, ok := err.(*flv.Error)
	return ok
}

// add adds the tag after the last one that was added.
func (x *index) add(h *head) flv.Kind {
	x.tail = *h
	x.tail.Body = nil
	kind, track := flv.KindOf(h.Tag)
	switch kind { // the timestamps of these kinds are ignored, since some writers always set them to 0
	case flv.KindHeader:
		x.addHeader(h)
		return kind
	case flv.KindData:
		return kind
	}
	x.advance(h.Timestamp)
	switch {
	case kind == flv.KindKeyFrame:
		if x.picture == 0 {
			x.track = track
		}
		if track == x.track {
			x.addEntry(h.at)
		}
	case kind == flv.KindAudio && x.picture == 0 && x.now-x.entries[len(x.entries)-1].time >= audioStep:
		x.addEntry(h.at)
	}
	if h.Type == flv.TagVideo && h.size > 0 && x.picture == 0 {
		x.picture = h.at
	}
	return kind
}

func (x *index) advance(timestamp uint32) {
	x.now = x.line.Unwrap(timestamp)
	if !x.timed {
		x.timed, x.last, x.entries[0].time = true, x.now, x.now
	}
	x.last = max(x.last, x.now)
}

func (x *index) addHeader(h *head) {
	about, _ := flv.HeaderSubject(h.Tag)
	headers := slices.DeleteFunc(slices.Clone(x.headers), func(p headerPos) bool { return p.about == about })
	if len(headers) < maxHeaders {
		headers = append(headers, headerPos{about, h.at})
	}
	x.headers = headers
}

// addEntry adds an entry for the tag at a position, with the time x.now.
func (x *index) addEntry(at int64) {
	last := &x.entries[len(x.entries)-1]
	if x.now <= last.time || at <= last.at { // the entry of the beginning, another tag with the same timestamp, or a timestamp that goes back
		return
	}
	if x.unlisted++; x.unlisted < x.spacing {
		return
	}
	x.unlisted = 0
	x.append(entry{at, x.now, x.headers})
	if x.weight > maxWeight {
		x.thin()
	}
}

func (x *index) append(e entry) {
	x.weight++
	if n := len(x.entries); n == 0 || !sameHeaders(e.headers, x.entries[n-1].headers) {
		x.weight += len(e.headers)
	}
	x.entries = append(x.entries, e)
}

// sameHeaders reports whether a and b are the same slice.
func sameHeaders(a, b []headerPos) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// thin removes every other entry. locate then scans the file between the remaining ones.
func (x *index) thin() {
	all := x.entries
	x.entries, x.weight = nil, 0
	for i := 0; i < len(all); i += 2 {
		x.append(all[i])
	}
	x.spacing *= 2
}

// extended returns the index of the file after the file has grown. The error is errStale if the file has changed in another way.
func (x *index) extended(ctx context.Context, file io.ReaderAt, size int64) (*index, error) {
	if x.tail.size >= 0 {
		if h, err := headAt(file, size, x.tail.at); err != nil || h.Timestamp != x.tail.Timestamp || h.end() != x.tail.end() {
			return nil, errStale
		}
	}
	grown := *x // appending to entries does not change the entries of x
	return &grown, grown.scan(ctx, scannerAt(file, size, x.tail.end()))
}

// headAt reads the header of the tag at a position.
func headAt(file io.ReaderAt, size, at int64) (h head, err error) {
	return h, scannerAt(file, size, at).read(&h)
}

// seek is like locate, but returns ErrInvalidTime for a time outside the file.
func (x *index) seek(ctx context.Context, file io.ReaderAt, time int64) (entry, error) {
	if time < 0 || time > x.last {
		return entry{}, ErrInvalidTime
	}
	return x.locate(ctx, file, time)
}

// locate returns the last position at or before a time at which playing may begin. If entries were removed from the index, locate scans the
// file between two entries. The error is errStale, the error of ctx or that of the file.
func (x *index) locate(ctx context.Context, file io.ReaderAt, time int64) (entry, error) {
	n := notAfter(x.entries, time)
	e := x.entries[n]
	if e.at != x.entries[0].at {
		if err := e.check(file, x.size); err != nil {
			return e, err
		}
	}
	if x.spacing == 1 {
		return e, nil
	}
	next := x.size
	if n+1 < len(x.entries) {
		next = x.entries[n+1].at
	}
	part := &index{entries: []entry{e}, spacing: 1, timed: true, headers: e.headers}
	part.line.Set(e.time)
	if err := part.scan(ctx, scannerAt(file, next, e.at)); err != nil {
		return e, err
	}
	return part.entries[notAfter(part.entries, time)], nil
}

// notAfter returns the index in entries of the last entry at or before a time, or 0 if there is none.
func notAfter(entries []entry, time int64) int {
	return max(0, sort.Search(len(entries), func(i int) bool { return entries[i].time > time })-1)
}

// check returns errStale if the file has no tag at e that fits e, or the error of the file.
func (e *entry) check(file io.ReaderAt, size int64) error {
	h, err := headAt(file, size, e.at)
	if err != nil && !isDamage(err) {
		return err
	}
	kind, _ := flv.KindOf(h.Tag)
	const rounding = 1 // in ms; the times in the metadata are in seconds and were converted
	if d := int32(h.Timestamp - uint32(e.time)); err != nil || d < -rounding || d > rounding || kind != flv.KindKeyFrame && kind != flv.KindAudio {
		return errStale
	}
	return nil
}
