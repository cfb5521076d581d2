package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

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
