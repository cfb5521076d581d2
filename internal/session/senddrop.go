package session

import (
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// refuse says whether a message is dropped as it comes: video between a dropped picture and the next key frame, and what
// does not fit even now.
func (q *SendQueue) refuse(m *Message) bool {
	kind, track := kindOf(m)
	if kind == keyFrame {
		delete(q.awaitKey, track)
	}
	if kind == kept { // within reason: data messages may be many
		return q.queue.Len()+m.Size() > 2*q.limit
	}
	if kind == frame && q.awaitKey[track] {
		return true
	}
	if q.queue.Len() == 0 || q.queue.Len()+m.Size() <= q.limit {
		return false
	}
	if kind != sound {
		q.await(track)
	}
	return true
}

// await drops the track's pictures until a key frame comes.
func (q *SendQueue) await(track uint8) {
	if q.awaitKey == nil {
		q.awaitKey = make(map[uint8]bool)
	}
	q.awaitKey[track] = true
}

// prune drops the oldest media: of each track everything before the last key frame that waits, in media time, so that a
// viewer sees a jump to newer pictures that can be decoded. Without a key frame all pictures go, and those that follow until
// one comes; sound goes only if that was not enough. Metadata and codec headers stay.
func (q *SendQueue) prune() {
	type place struct {
		at   int
		time uint32
	}
	last := make(map[uint8]place) // each track's last key frame
	i := 0
	for m := range q.queue.All() {
		if kind, track := kindOf(&m); kind == keyFrame {
			last[track] = place{i, m.Timestamp}
		}
		i++
	}
	first := place{at: i} // of these
	for _, p := range last {
		if p.at < first.at {
			first = p
		}
	}
	i = -1
	q.keep(func(m *Message) bool {
		i++
		switch kind, track := kindOf(m); kind {
		case keyFrame, frame:
			key, found := last[track]
			if !found {
				q.await(track)
			}
			return found && i >= key.at
		case sound:
			return len(last) == 0 || int32(m.Timestamp-first.time) >= 0
		}
		return true
	})
	if q.queue.Len() > q.limit {
		q.keep(func(m *Message) bool { kind, _ := kindOf(m); return kind != sound })
	}
}

// keep drops the messages that f does not want.
func (q *SendQueue) keep(f func(*Message) bool) {
	old := q.queue
	q.queue = MediaQueue{}
	for m := range old.All() {
		if f(&m) {
			q.queue.Push(&m)
		} else {
			q.w.config.Counters.Dropped.Add(1)
		}
	}
	old.Clear()
}

// kind is how much a message matters.
type kind int

const (
	kept     kind = iota // metadata, codec headers: others mean nothing without them
	keyFrame             // video that can be decoded by itself
	frame                // video that can't
	sound
)

// kindOf returns the track as well, for pictures.
func kindOf(m *Message) (_ kind, track uint8) {
	switch m.Type {
	case message.TypeVideo:
		h, err := flv.ParseVideoHeader(m.Body)
		switch {
		case err != nil:
			return frame, 0
		case !h.IsFrame():
			return kept, 0
		case h.IsKeyFrame():
			return keyFrame, h.TrackID
		}
		return frame, h.TrackID
	case message.TypeAudio:
		if h, err := flv.ParseAudioHeader(m.Body); err == nil && !h.IsFrame() {
			return kept, 0
		}
		return sound, 0
	}
	return kept, 0
}
