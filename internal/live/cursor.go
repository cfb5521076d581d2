package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// keyFrameWait is how long a player waits for a key frame to begin with. Then it gets what needs none, since some publishers
// send key frames rarely, or do not mark them.
const keyFrameWait = 10 * time.Second

// cursor is where a player is in a log, and what it has to be given or spared there. Equal cursors get the same messages. It is guarded
// by its owner's mutex.
type cursor struct {
	next uint64       // sequence number of the message that is looked at next
	from *publication // that it is in the middle of, nil: none has begun
	only *publication // the messages of this publication alone, all of them, are wanted; nil: those that can be decoded, of any

	noAudio, noVideo bool

	waiting  bool             // for a key frame
	waited   time.Duration    // since then, by the hub's clock; 0: nothing has come yet
	pictures flv.KeyFrameWait // decides which pictures can be decoded
	lagging  bool             // what can't be decoded is so because of what was missed

	fresh bool   // the headers are due before the next message, unless
	seen  uint64 // they have not changed since this sequence number

	carried bool // the headers with which the publication before ended are known
}

// join begins with the newest key frame in the log, or with the next to come. Without pictures it begins at once.
func (c *cursor) join(l *log, cached bool) {
	c.fresh = true
	c.begin(l, cached)
}

// skip moves on to where a player that missed something goes on, which is where it would begin.
func (c *cursor) skip(l *log) {
	if !c.fresh {
		c.fresh, c.seen = true, c.next
	}
	c.begin(l, true)
}

func (c *cursor) begin(l *log, cached bool) {
	c.next, c.waiting = l.end(), false
	c.pictures.All()
	switch {
	case c.only != nil:
		c.next = l.base
	case c.noVideo || !l.video:
	case cached && l.key != 0:
		c.next = l.key
	default:
		c.waiting, c.waited = true, 0
	}
	if n := len(l.messages); n > 0 { // in the middle of whose publication
		if from := l.messages[min(int(c.next-l.base), n-1)].from; from != c.from {
			c.from, c.carried = from, false
		}
	}
}

// resync is skip for a cursor that has fallen out of the log. It returns how many messages are lost by that.
func (c *cursor) resync(l *log) uint64 {
	from := c.next
	c.skip(l)
	if c.only == nil {
		c.lagging = true
	} else if c.only.ended != 0 {
		return min(c.next, c.only.ended) - min(from, c.only.ended)
	}
	return c.next - from
}

// resume goes on after a pause: with the newest key frame if there is one since, or where it was.
func (c *cursor) resume(l *log) {
	if c.next < l.base || c.next < l.key {
		c.skip(l)
	}
}

// receive changes what is wanted, but for recorders.
func (c *cursor) receive(audio, video bool) {
	if c.only != nil {
		return
	}
	if audio && c.noAudio || video && c.noVideo {
		c.fresh, c.seen, c.carried = true, 0, false
	}
	if video && c.noVideo {
		c.pictures.All()
	}
	c.noAudio, c.noVideo = !audio, !video
	c.waiting = c.waiting && video
}

// wants reports whether messages of a type are wanted at all.
func (c *cursor) wants(t flv.TagType) bool {
	return !(c.noAudio && t == flv.TagAudio || c.noVideo && t == flv.TagVideo)
}

// accepts reports whether m, the next message, is for this cursor.
func (c *cursor) accepts(m *Message) bool {
	if c.only != nil {
		return true
	}
	if m.from != c.from {
		if c.from != nil {
			c.carried, c.waiting, c.lagging = !c.fresh, false, false
			c.pictures.All()
		}
		c.from = m.from
	}
	if c.waiting && c.waited == 0 {
		c.waited = max(1, m.at)
	}
	if c.waiting && (m.key || m.at-c.waited >= keyFrameWait) {
		c.waiting = false
	}
	switch {
	case c.waiting, !c.wants(m.typ):
		return false
	case m.kind == flv.KindHeader:
		return !(m.repeated && c.carried)
	}
	return c.pictures.Accept(m.kind, m.track)
}

// lost is 1 if m, which was not accepted, is so because of what was missed before.
func (c *cursor) lost(m *Message) uint64 {
	if c.lagging && c.wants(m.typ) && !(m.repeated && c.carried) {
		return 1
	}
	return 0
}

// headers are those that have to be taken before m.
func (c *cursor) headers(m *Message, e *headerEncoder) (due []*Message) {
	c.fresh = false
	if m.headers == nil || m.headers.changed < c.seen {
		return nil
	}
	c.carried = false
	for _, h := range e.encode(m.headers, m.time) {
		if c.wants(h.typ) {
			due = append(due, h)
		}
	}
	return due
}
