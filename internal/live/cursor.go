package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// cursor is a player's position in a log, together with the state that decides which messages the player gets. Players with equal cursors
// get the same messages. A cursor is guarded by the mutex of its owner.
type cursor struct {
	next uint64       // sequence number of the next message to consider
	from *publication // the publication of the message at the cursor; nil before the first message
	only *publication // only messages of this publication are accepted; if nil, those of any publication that can be decoded

	noAudio, noVideo bool

	waiting  bool             // waiting for a key frame
	waited   time.Duration    // start of the wait, by the hub's clock; 0 if no message has come yet
	pictures flv.KeyFrameWait // decides which pictures can be decoded
	lagging  bool             // messages were missed, so those that depend on them can't be decoded

	fresh bool   // the headers must be sent before the next message, if they have changed since the message seen
	seen  uint64 // sequence number up to which the player has received the headers

	carried bool // the player has the headers with which the previous publication ended
}

// join moves the cursor to the newest key frame in the log, if cached is set. Otherwise the cursor waits for the next key frame, unless the
// stream has no video.
func (c *cursor) join(l *log, cached bool) {
	c.fresh = true
	c.begin(l, cached)
}

// resume is called after a pause. It moves the cursor to the newest key frame if that is after the cursor, or if the log has dropped the
// message at the cursor.
func (c *cursor) resume(l *log) {
	if c.next < max(l.base, l.key) {
		c.skip(l)
	}
}

// receive sets which types of media are wanted. It does nothing for recorders.
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

// headers returns the headers that must be sent before m.
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
