package session

import "github.com/go-librtmp/rtmp/flv"

// refuse says whether a message is dropped as it comes: video between a dropped picture and the next key frame, and what
// does not fit even now.
func (q *SendQueue) refuse(m *Message) bool {
	kind, track := kindOf(m)
	switch kind {
	case flv.KindHeader, flv.KindData: // within reason: data messages may be many
		return q.queue.Len()+m.Size() > 2*q.limit
	case flv.KindKeyFrame:
		delete(q.awaitKey, track)
	case flv.KindFrame:
		if q.awaitKey[track] {
			return true
		}
	}
	if q.queue.Len() == 0 || q.queue.Len()+m.Size() <= q.limit {
		return false
	}
	if kind != flv.KindAudio {
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

// prune makes room for next. It drops the oldest media: of each track everything before the last key frame, in media time, so
// that a viewer sees a jump to newer pictures that can be decoded. The last one may be next itself, or a queue that is full of a
// single group of pictures would keep it and refuse all that are newer. Without a key frame all pictures go, and those that follow
// until one comes; sound goes only if that was not enough. Metadata and codec headers stay.
func (q *SendQueue) prune(next *Message) {
	type place struct {
		at   int
		time uint32
	}
	last := make(map[uint8]place) // each track's last key frame
	i := 0
	for m := range q.queue.All() {
		if kind, track := kindOf(&m); kind == flv.KindKeyFrame {
			last[track] = place{i, m.Timestamp}
		}
		i++
	}
	if kind, track := kindOf(next); kind == flv.KindKeyFrame {
		last[track] = place{i, next.Timestamp}
	}
	first := place{at: i, time: next.Timestamp} // of these
	for _, p := range last {
		if p.at < first.at {
			first = p
		}
	}
	i = -1
	q.keep(func(m *Message) bool {
		i++
		switch kind, track := kindOf(m); kind {
		case flv.KindKeyFrame, flv.KindFrame:
			key, found := last[track]
			if !found {
				q.await(track)
			}
			return found && i >= key.at
		case flv.KindAudio:
			return len(last) == 0 || int32(m.Timestamp-first.time) >= 0
		}
		return true
	})
	if q.queue.Len() > q.limit {
		q.keep(func(m *Message) bool { kind, _ := kindOf(m); return kind != flv.KindAudio })
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

// kindOf returns how much a message matters, and the track of audio and video.
func kindOf(m *Message) (flv.Kind, uint8) {
	return flv.KindOf(flv.Tag{Type: flv.TagType(m.Type), Body: m.Body})
}
