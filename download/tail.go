package download

import (
	"hash/maphash"
	"io"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	maxKeys   = 512     // number of key frames in a tail
	maxRecent = 1 << 18 // number of other tags
	// audioStep is the distance between the places at which a file without video can be continued, in ms.
	audioStep = 1000
)

// seed makes the hashes unpredictable for a peer.
var seed = maphash.MakeSeed()

type content struct {
	typ  flv.TagType
	size int
	hash uint64 // 0 for frames in a file until identify is called
}

func contentOf(t flv.Tag) content {
	return content{t.Type, len(t.Body), maphash.Bytes(seed, t.Body)}
}

// endSize is the number of bytes at the beginning and at the end of a body that identify it.
const endSize = 512

// contentOf hashes the whole body of a tag in a file, since the middle may be damaged.
func (t *tail) contentOf(tag flv.Tag) content {
	c, body := content{typ: tag.Type, size: len(tag.Body)}, tag.Body
	if !t.writeOnly || len(body) <= 2*endSize {
		return contentOf(tag)
	}
	var h maphash.Hash
	h.SetSeed(seed)
	h.Write(body[:endSize])
	h.Write(body[len(body)-endSize:])
	c.hash = h.Sum64()
	return c
}

type entry struct {
	content
	offset int64
	time   uint32 // in ms, modulo 2^32
}

func kindOf(t flv.Tag) flv.Kind {
	kind, _ := flv.KindOf(t)
	return kind
}

func isFrame(k flv.Kind) bool {
	return k == flv.KindKeyFrame || k == flv.KindFrame || k == flv.KindAudio
}

type track struct {
	seen   bool
	last   uint32 // time of the last frame
	step   uint32 // longest distance between recent frames, in ms
	rhythm rhythm // rhythm of the whole file
}

func (t *track) advance(to uint32) {
	t.step -= t.step / 8
	if t.seen && int32(to-t.last) > 0 {
		t.step = max(t.step, to-t.last)
	}
	t.seen, t.last = true, to
}

// gap returns how much is missing if the track continues at a time, 0 if the next frame may have that time.
func (t *track) gap(at uint32) time.Duration {
	d := int32(at - t.last)
	if !t.seen || d <= int32(t.step+t.step/2+10) {
		return 0
	}
	return time.Duration(d) * time.Millisecond
}

// tail contains what is needed to continue a file: its last tags and the positions of its last key frames. It is built while the file is
// read, and updated while it is written.
type tail struct {
	writeOnly bool        // the output can't be read again, and so needs no check for damage
	file      io.ReaderAt // read by identify; nil if the contents are known
	end       int64       // end of the last tag, in bytes; anything after it is not a tag
	first     entry       // the first frame of the file
	keys      []entry
	recent    []entry     // the frames since one of the last keys, in the order of the file
	skip      int         // Options.SkipKeyFrames: recent begins this many keys earlier
	metadata  content     // content of the first onMetaData
	headers   flv.Headers // decoder configurations of audio and video
	duration  time.Duration
	audio     track
	video     track
}

func (t *tail) trackOf(kind flv.TagType) *track { return trackFor(kind, &t.audio, &t.video) }

func (t *tail) empty() bool { return !t.audio.seen && !t.video.seen }

func (t *tail) add(tag flv.Tag) {
	kind := kindOf(tag)
	e := entry{content: content{typ: tag.Type, size: len(tag.Body)}, offset: t.end, time: tag.Timestamp}
	if t.file == nil || !isFrame(kind) {
		e.content = t.contentOf(tag)
	}
	t.end += int64(len(tag.Body)) + flv.TagOverhead
	switch {
	case kind == flv.KindHeader && tag.Type == flv.TagScript:
		if t.metadata == (content{}) {
			_, values, _ := flv.ParseScript(tag.Body)
			t.metadata = e.content
			t.duration = flv.Duration(values...)
		}
	case kind == flv.KindHeader:
		t.headers.Keep(tag)
	case isFrame(kind):
		t.addFrame(e, kind == flv.KindKeyFrame)
	}
}

// identify computes the contents of keys and recent. Hashing costs as much as all other work, so it is called only when they are needed.
func (t *tail) identify() error {
	var body []byte
	for _, list := range [][]entry{t.keys, t.recent} {
		for i := range list {
			e := &list[i]
			if e.hash != 0 || t.file == nil {
				continue
			}
			body = slices.Grow(body[:0], e.size)[:e.size]
			if _, err := t.file.ReadAt(body, e.offset+flv.TagHeaderSize); err != nil {
				return err
			}
			e.hash = maphash.Bytes(seed, body)
		}
	}
	return nil
}

func (t *tail) addFrame(e entry, key bool) {
	if !t.video.seen {
		if e.typ == flv.TagVideo {
			t.keys = nil // so far the keys were those of a file without video
		} else if n := len(t.keys); n == 0 || int32(e.time-t.keys[n-1].time) >= audioStep {
			key = true
		}
	}
	if t.empty() {
		t.first = e
	}
	tr := t.trackOf(e.typ)
	if tr.seen {
		tr.rhythm.add(tr.last, e.time, e.offset)
	}
	tr.advance(e.time)
	if len(t.recent) == maxRecent {
		t.recent = append(t.recent[:0], t.recent[maxRecent/2:]...)
	}
	t.recent = append(t.recent, e)
	if key {
		t.addKey(e)
	}
}

// addKey adds a key frame, and removes entries that are too old. recent begins one key frame early, since audio of the same time may
// precede a key frame.
func (t *tail) addKey(e entry) {
	if len(t.keys) == maxKeys {
		t.keys = append(t.keys[:0], t.keys[maxKeys/2:]...)
	}
	t.keys = append(t.keys, e)
	keep := 4
	if !t.video.seen {
		keep = 8
	}
	if n := len(t.keys) - keep - t.skip; n > 0 {
		from := t.keys[n].offset
		n = 0
		for t.recent[n].offset < from {
			n++
		}
		if n > len(t.recent)/2 { // not every time, since the rest has to be moved
			t.recent = append(t.recent[:0], t.recent[n:]...)
		}
	}
}

// resumePoint returns the time to continue from, back keys before the last one. ok is false for the beginning of the file.
func (t *tail) resumePoint(back int) (at uint32, ok bool) {
	n := len(t.keys) - 1 - back
	if !t.video.seen {
		n -= 2 // enough audio to match
	}
	if n < 0 {
		return 0, false
	}
	return t.keys[n].time, true
}

func (t *tail) last() uint32 {
	switch {
	case !t.video.seen, t.audio.seen && int32(t.audio.last-t.video.last) > 0:
		return t.audio.last
	}
	return t.video.last
}

// passed reports whether new tags with these spans have passed the end of every track.
func (t *tail) passed(audio, video *span) bool {
	past := func(sp *span, end uint32, by int32) bool { return sp.seen && int32(sp.last-end) > by }
	if past(audio, t.last(), maxLag) || past(video, t.last(), maxLag) {
		return true
	}
	return (!t.audio.seen || past(audio, t.audio.last, 0)) && (!t.video.seen || past(video, t.video.last, 0))
}

// cut removes the tags from offset on. The offset must not be before the oldest tag in recent.
func (t *tail) cut(offset int64) {
	keep := func(list []entry) []entry {
		for len(list) > 0 && list[len(list)-1].offset >= offset {
			list = list[:len(list)-1]
		}
		return list
	}
	t.recent, t.keys = keep(t.recent), keep(t.keys)
	t.end = offset
	t.audio.seen, t.video.seen = false, false
	t.audio.rhythm.cut(offset)
	t.video.rhythm.cut(offset)
	for _, e := range t.recent {
		t.trackOf(e.typ).advance(e.time)
	}
}

// repeats reports whether a tag that is not media equals the newest of its kind.
func (t *tail) repeats(tag flv.Tag) bool {
	if tag.Type == flv.TagScript {
		return t.contentOf(tag) == t.metadata
	}
	return t.headers.Has(tag)
}

// nearlyEqual allows for the rounding errors of servers that send relative times.
func nearlyEqual(a, b uint32) bool {
	const tolerance = 10
	d := int32(a - b)
	return -tolerance <= d && d <= tolerance
}
