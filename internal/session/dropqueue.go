package session

import "github.com/go-librtmp/rtmp/flv"

// DropQueue is a MediaQueue that drops media up to a key frame when it is full.
type DropQueue struct {
	MediaQueue
	limit    int              // bytes
	pictures flv.KeyFrameWait // decides which arriving pictures are dropped
	offered  int64            // number of bytes offered so far
	pruneAt  [2]int64         // pruning is worth its cost from these values of offered on: for any message, and for a key frame
}

// pruneCost is how many bytes prune may copy for each offered byte. prune copies all messages that it keeps.
const pruneCost = 8

// NewDropQueue returns a queue of limit bytes.
func NewDropQueue(limit int) DropQueue { return DropQueue{limit: limit} }

// Offer appends a copy of m, unless it must be dropped. dropped is the number of other messages that were dropped to make room.
func (q *DropQueue) Offer(m *Message) (taken bool, dropped int) {
	q.offered += int64(queueHeaderSize + m.Size())
	if q.Len()+m.Size() > q.limit {
		due := &q.pruneAt[0]
		if kind, _ := kindOf(m); kind == flv.KindKeyFrame { // other media is dropped to make room for a key frame
			due = &q.pruneAt[1]
		}
		if q.offered >= *due {
			dropped = q.prune(m)
			*due = q.offered + int64(q.Len()/pruneCost)
		}
	}
	if q.refuse(m) {
		return false, dropped
	}
	q.Push(m)
	return true, dropped
}

// Take removes and returns everything.
func (q *DropQueue) Take() MediaQueue {
	taken := q.MediaQueue
	q.MediaQueue, q.pruneAt = MediaQueue{}, [2]int64{}
	return taken
}

// Restart makes the queue begin with pictures that can be decoded without those that were taken out. It drops all media before the last key
// frames, and all pictures of tracks without a key frame. It returns the number of dropped messages.
func (q *DropQueue) Restart() (dropped int) {
	q.pictures.All()
	for m := range q.All() {
		q.pictures.Accept(kindOf(&m))
	}
	return q.prune(nil)
}

// refuse reports whether m must be dropped, because it can't be decoded or because there is still no room for it.
func (q *DropQueue) refuse(m *Message) bool {
	kind, track := kindOf(m)
	switch {
	case kind == flv.KindHeader, kind == flv.KindData: // headers and data are accepted up to twice the limit, since there may be many
		return q.Len()+m.Size()-q.limit > q.limit // 2*q.limit would overflow if the limit is math.MaxInt
	case !q.pictures.Accept(kind, track):
		return true
	}
	if q.Len() == 0 || q.Len()+m.Size() <= q.limit {
		return false
	}
	if kind != flv.KindAudio {
		q.pictures.Lost(track)
	}
	return true
}

// prune makes room for next, which may be nil. From each track it drops everything before the last key frame, so that a viewer sees a jump
// to newer pictures that can be decoded. The last key frame may be next itself. Otherwise a queue that is full of a single group of
// pictures would keep that group and refuse all newer pictures. prune drops all pictures of tracks without a key frame. It drops audio up
// to the earliest of the last key frames, and all audio if the queue is still too long, or has no room for next and next is a key frame. It
// keeps metadata and codec headers.
func (q *DropQueue) prune(next *Message) (dropped int) {
	type position struct {
		at   int
		time uint32
	}
	last := make(map[uint8]position) // each track's last key frame
	room := q.limit
	i := 0
	for m := range q.All() {
		if kind, track := kindOf(&m); kind == flv.KindKeyFrame {
			last[track] = position{i, m.Timestamp}
		}
		i++
	}
	if next != nil {
		if kind, track := kindOf(next); kind == flv.KindKeyFrame {
			last[track] = position{i, next.Timestamp}
			room = max(0, room-next.Size())
		}
	}
	first := position{at: i + 1} // the earliest of these key frames
	for _, p := range last {
		if p.at < first.at {
			first = p
		}
	}
	i = -1
	dropped = q.keep(func(m *Message) bool {
		i++
		switch kind, track := kindOf(m); kind {
		case flv.KindKeyFrame, flv.KindFrame:
			key, found := last[track]
			if !found {
				q.pictures.Lost(track)
			}
			return found && i >= key.at
		case flv.KindAudio:
			return len(last) == 0 || int32(m.Timestamp-first.time) >= 0
		}
		return true
	})
	if q.Len() > room {
		dropped += q.keep(func(m *Message) bool { kind, _ := kindOf(m); return kind != flv.KindAudio })
	}
	return dropped
}

// keep drops the messages for which f returns false, and returns their number.
func (q *DropQueue) keep(f func(*Message) bool) (dropped int) {
	old := q.MediaQueue
	q.MediaQueue = MediaQueue{}
	for m := range old.All() {
		if f(&m) {
			q.Push(&m)
		} else {
			dropped++
		}
	}
	old.Clear()
	return dropped
}

// kindOf returns the kind of a message and, for audio and video, the track.
func kindOf(m *Message) (flv.Kind, uint8) {
	return flv.KindOf(flv.Tag{Type: flv.TagType(m.Type), Body: m.Body})
}
