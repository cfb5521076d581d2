package live

import "time"

// Limits of what is given to a player at once.
const (
	batchMessages = 32
	batchBytes    = 256 << 10 // after which no message is added
)

// log holds the newest messages of a stream. It belongs to stream.mu.
type log struct {
	messages []*Message // messages[i] has the sequence number base+i
	base     uint64     // from 1 on
	cost     int        // of messages
	key      uint64     // the newest message that a player may begin with, 0: it is not there
	video    bool       // there are pictures in the publication, so players begin with a key frame
}

// end is the sequence number that the next message will have.
func (l *log) end() uint64 { return l.base + uint64(len(l.messages)) }

// append adds a message and drops what is too much or too old. The newest message always stays.
func (l *log) append(m *Message, maxCost int, maxAge time.Duration) {
	m.sequence = l.end()
	l.messages = append(l.messages, m)
	l.cost += m.cost
	if m.key {
		l.key = m.sequence
	}
	for len(l.messages) > 1 && (l.cost > maxCost || m.at-l.messages[0].at > maxAge) {
		l.drop()
	}
}

// keep drops what comes before the message with the sequence number from, as far as nobody can begin there any more: when a key
// frame has come, and without pictures at any time.
func (l *log) keep(from uint64) {
	if l.video {
		from = min(from, l.key)
	}
	for len(l.messages) > 1 && l.base < from {
		l.drop()
	}
}

func (l *log) drop() {
	l.cost -= l.messages[0].cost
	l.messages[0] = nil // the array is longer-lived
	l.messages = l.messages[1:]
	if l.base == l.key {
		l.key = 0
	}
	l.base++
}

// progress is what a cursor has done.
type progress struct {
	missed  uint64
	resyncs uint64
	more    bool // there is more than goes into one batch
}

// take appends what comes next at the cursor to dst, within the limits of one batch, and moves the cursor past it.
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
		dst = append(dst, m)
		bytes += m.size
	}
	return dst, p
}
