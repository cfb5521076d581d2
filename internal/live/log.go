package live

import "time"

// These are the limits of one batch.
const (
	batchMessages = 32
	batchBytes    = 256 << 10 // a batch of at least this size is complete
)

// log holds the newest messages of a stream. It is guarded by stream.mu.
type log struct {
	messages []*Message // messages[i] has the sequence number base+i
	base     uint64     // starts at 1
	cost     int        // of messages
	key      uint64     // sequence number of the newest message with which a player may begin; 0 if the log has none
	video    bool       // the publication has video, so players begin with a key frame
}

// end returns the sequence number of the next message.
func (l *log) end() uint64 { return l.base + uint64(len(l.messages)) }

// append adds a message, and drops old messages as limit does.
func (l *log) append(m *Message, maxCost int, maxAge time.Duration, slowest func(uint64) uint64) {
	m.sequence = l.end()
	l.messages = append(l.messages, m)
	l.cost += m.cost
	if m.key {
		l.key = m.sequence
	}
	l.limit(maxCost, maxAge, slowest)
}

// progress says what happened when a cursor was moved.
type progress struct {
	missed  uint64
	resyncs uint64
	more    bool // more messages did not fit in the batch
}

// take appends the messages at the cursor to dst, up to the limits of one batch, and moves the cursor past them.
func (l *log) take(c *cursor, dst []*Message, e *headerEncoder) ([]*Message, progress) {
	var p progress
	begin, bytes := len(dst), 0
	if c.next < l.base {
		p.missed, p.resyncs = c.resync(l), 1
	}
	for ; c.next < l.end(); c.next++ {
		m := l.messages[c.next-l.base]
		if len(dst)-begin >= batchMessages || bytes >= batchBytes {
			p.more = true
			break
		}
		if c.only != nil && m.from != c.only {
			break
		}
		if !c.accepts(m) {
			p.missed += c.lost(m)
			continue
		}
		if c.fresh {
			for _, h := range c.headers(m, e) {
				dst = append(dst, h)
				bytes += h.size
			}
		}
		if c.only == nil { // a recorder does not use a message after its position has passed it
			m.pin()
		}
		dst = append(dst, m)
		bytes += m.size
	}
	return dst, p
}
