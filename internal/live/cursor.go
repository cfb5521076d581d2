package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// keyFrameWait is how long a player waits for a key frame to begin with. After that it gets the messages that can be
// decoded without one, since some publishers rarely send key frames, or do not mark them.
const keyFrameWait = 10 * time.Second

// cursor is a player's position in a log, with the state that decides which messages it gets. Equal cursors get the
// same messages. It is guarded by its owner's mutex.
type cursor struct {
	next uint64       // sequence number of the next message to consider
	from *publication // the publication that the cursor is in; nil if none has begun
	only *publication // accept exactly the messages of this publication; nil means to accept what can be decoded, of any publication

	noAudio, noVideo bool

	waiting  bool             // waiting for a key frame
	waited   time.Duration    // when the wait began, by the hub's clock; 0 if no message has come yet
	pictures flv.KeyFrameWait // decides which pictures can be decoded
	lagging  bool             // messages can't be decoded because others were missed

	fresh bool   // the headers are due before the next message, unless they have not changed since seen
	seen  uint64 // sequence number up to which the player has the headers

	carried bool // the player has the headers with which the previous publication ended
}

// join begins at the newest key frame in the log, or at the next one. A stream without video begins at once.
func (c *cursor) join(l *log, cached bool) {
	c.fresh = true
	c.begin(l, cached)
}

// skip moves to the place where a player continues after it has missed messages, the same at which a new one begins.
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
	if n := len(l.messages); n > 0 { // the publication of the message there
		if from := l.messages[min(int(c.next-l.base), n-1)].from; from != c.from {
			c.from, c.carried = from, false
		}
	}
}

// resync is like skip, for a cursor that has fallen out of the log. It returns the number of messages missed.
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

// resume continues after a pause: at the newest key frame since then, or at the old position.
func (c *cursor) resume(l *log) {
	if c.next < l.base || c.next < l.key {
		c.skip(l)
	}
}

// receive changes which types of media are wanted. It does nothing for recorders.
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

// wants reports whether messages of a type are wanted.
func (c *cursor) wants(t flv.TagType) bool {
	return !(c.noAudio && t == flv.TagAudio || c.noVideo && t == flv.TagVideo)
}

// accepts reports whether the cursor takes m, the next message.
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

// lost returns 1 if m was rejected only because earlier messages were missed, and 0 otherwise.
func (c *cursor) lost(m *Message) uint64 {
	if c.lagging && c.wants(m.typ) && !(m.repeated && c.carried) {
		return 1
	}
	return 0
}

// headers returns the headers that are due before m.
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
