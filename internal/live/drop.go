package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// A player that is too slow delays nobody, but misses messages. The log drops its oldest messages (limit, keep). If the log has dropped a
// player's next message, the player continues at the newest key frame (resync), like a player that joins. It does not get messages that
// depend on those that it has missed (accepts).

// limit drops the oldest messages until the log is within maxCost and maxAge. It never drops the newest message, and does not count its cost:
// a key frame almost as large as maxCost would empty the log before anybody could fetch the messages. slowest is stream.slowest.
func (l *log) limit(maxCost int, maxAge time.Duration, slowest func(uint64) uint64) {
	newest, used := l.messages[len(l.messages)-1], uint64(0)
	for len(l.messages) > 1 && (l.cost-newest.cost > maxCost || newest.at-l.messages[0].at > maxAge) {
		if used == 0 {
			used = slowest(newest.sequence)
		}
		l.drop(used)
	}
}

// keep keeps the messages that a player that joins needs: those from the newest key frame on or, without video, none. It drops all others
// before sequence number from, which is the result of stream.slowest.
func (l *log) keep(from uint64) {
	used := from
	if l.video {
		from = min(from, l.key)
	}
	for len(l.messages) > 1 && l.base < from {
		l.drop(used)
	}
}

// drop drops the oldest message. It recycles the message only if its sequence number is less than used, since messages from that number on
// may still be in use.
func (l *log) drop(used uint64) {
	m := l.messages[0]
	l.cost -= m.cost
	l.messages[0] = nil // otherwise the array would keep the message in memory
	l.messages = l.messages[1:]
	if l.base == l.key {
		l.key = 0
	}
	if l.base < used {
		m.recycle()
	}
	l.base++
}

// skip moves the cursor to the message at which a player continues after it has missed messages. New players begin there, too.
func (c *cursor) skip(l *log) {
	if !c.fresh {
		c.fresh, c.seen = true, c.next
	}
	c.begin(l, true)
}

// resync is like skip, for a cursor whose next message has been dropped. It returns the number of missed messages.
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
	if n := len(l.messages); n > 0 { // the publication of the message at the cursor
		if from := l.messages[min(int(c.next-l.base), n-1)].from; from != c.from {
			c.from, c.carried = from, false
		}
	}
}

// keyFrameWait is how long a new player waits for a key frame. After that it gets the messages that can be decoded without a key frame,
// since some publishers rarely send key frames, or do not mark them as such.
const keyFrameWait = 10 * time.Second

// accepts reports whether the player gets m, the next message.
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
