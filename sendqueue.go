package rtmp

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// gatherLimit bounds what WritePacket leaves to the sender before it blocks, in bytes, when there is no SendQueue.
const gatherLimit = 256 << 10

// sendQueue holds what a publishing stream has to send. A goroutine of the Conn, the sender, takes everything that is
// there with one system call. When it is full, those who write wait; with Options.SendQueue, media is dropped instead.
type sendQueue struct {
	limit    int  // bytes
	dropping bool // drop when full

	more  chan struct{} // signalled when there is something for the sender
	room  chan struct{} // signalled when the sender has taken what was there, and when it ends
	ended chan struct{} // closed when the sender has ended

	mu       sync.Mutex // guards the rest
	queue    session.MediaQueue
	busy     bool // the sender is writing
	closed   bool
	awaitKey map[uint8]bool // tracks whose pictures are dropped until a key frame comes
	pruned   bool           // since the sender took something
	err      error
	dropped  *atomic.Uint64 // messages; the Conn's counter
}

func (q *sendQueue) init(sendQueueBytes int, dropped *atomic.Uint64) {
	q.dropped = dropped
	q.limit, q.dropping = gatherLimit, sendQueueBytes > 0
	if q.dropping {
		q.limit = sendQueueBytes
	}
	q.more, q.room = make(chan struct{}, 1), make(chan struct{}, 1)
	q.ended = make(chan struct{})
}

func (q *sendQueue) drops() bool { return q.dropping }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// close lets the sender end once it has sent everything.
func (q *sendQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	signal(q.more)
}

func (q *sendQueue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// waiting returns how many bytes wait.
func (q *sendQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.queue.Len()
}

// offer puts a message into the queue. It reports false when there is no room.
func (q *sendQueue) offer(o *chunk.Outgoing) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.err != nil:
		return false, q.err
	case q.closed:
		return false, fmt.Errorf("rtmp: stream: %w", net.ErrClosed)
	}
	if len(o.Body) > chunk.MaxMessageLength {
		return false, fmt.Errorf("rtmp: publish: %w", &chunk.Error{Detail: "message too long to send", Value: len(o.Body)})
	}
	m := session.Message{Packet: Packet{Type: message.Type(o.Type), ChunkStreamID: o.ChunkStreamID, Timestamp: o.Timestamp,
		Body: o.Body}}
	if q.queue.Len() > 0 && q.queue.Len()+len(o.Body) > q.limit {
		if !q.dropping {
			return false, nil
		}
		if kind, _ := kindOf(&m); !q.pruned || kind == keyFrame { // else there is nothing new to drop: prune copies what it keeps
			q.prune()
			q.pruned = true
		}
	}
	if q.dropping && q.refuse(&m) {
		q.dropped.Add(1)
		return true, nil
	}
	q.queue.Push(&m)
	signal(q.more)
	return true, nil
}

// refuse says whether a message is dropped as it comes: video between a dropped picture and the next key frame, and what
// does not fit even now.
func (q *sendQueue) refuse(m *session.Message) bool {
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
func (q *sendQueue) await(track uint8) {
	if q.awaitKey == nil {
		q.awaitKey = make(map[uint8]bool)
	}
	q.awaitKey[track] = true
}

// prune drops the oldest media: of each track everything before the last key frame that waits, in media time, so that a
// viewer sees a jump to newer pictures that can be decoded. Without a key frame all pictures go, and those that follow until
// one comes; sound goes only if that was not enough. Metadata and codec headers stay.
func (q *sendQueue) prune() {
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
	q.keep(func(m *session.Message) bool {
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
		q.keep(func(m *session.Message) bool { kind, _ := kindOf(m); return kind != sound })
	}
}

// keep drops the messages that f does not want.
func (q *sendQueue) keep(f func(*session.Message) bool) {
	old := q.queue
	q.queue = session.MediaQueue{}
	for m := range old.All() {
		if f(&m) {
			q.queue.Push(&m)
		} else {
			q.dropped.Add(1)
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
func kindOf(m *session.Message) (_ kind, track uint8) {
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

// enqueue leaves a message to the sender, waiting for room if need be.
func (s *Stream) enqueue(o *chunk.Outgoing) error {
	for {
		if err := s.conn.Err(); err != nil {
			return err
		}
		if _, err := s.writeLimit(); err != nil {
			return err
		}
		ok, err := s.sending.offer(o)
		if ok || err != nil {
			return err
		}
		if err := s.waitToWrite(nil, s.sending.room); err != nil {
			return err
		}
	}
}

// drained waits until the sender has sent everything.
func (s *Stream) drained() error {
	q := &s.sending
	for {
		q.mu.Lock()
		busy, err := q.busy || q.queue.Len() > 0, q.err
		if err == nil && q.closed {
			err = fmt.Errorf("rtmp: stream: %w", net.ErrClosed)
		}
		q.mu.Unlock()
		if err != nil || !busy {
			return err
		}
		if err := s.waitToWrite(nil, q.room); err != nil {
			return err
		}
	}
}

// sender sends what is queued until the queue is closed and empty, or the connection ends.
func (s *Stream) sender() {
	q, c := &s.sending, s.conn
	defer func() {
		close(q.ended)
		signal(q.room)
	}()
	for {
		q.mu.Lock()
		taken := q.queue
		q.queue, q.pruned = session.MediaQueue{}, false
		q.busy = taken.Len() > 0
		last := q.closed && !q.busy
		q.mu.Unlock()
		if last {
			return
		}
		if taken.Len() == 0 {
			signal(q.room)
			select {
			case <-q.more:
				continue
			case <-c.done:
				return
			}
		}
		err := s.sendAll(&taken)
		taken.Clear()
		q.mu.Lock()
		q.busy, q.err = false, err
		q.mu.Unlock()
		if err != nil {
			return
		}
		signal(q.room)
	}
}

// sendAll sends a queue with as few system calls as possible.
func (s *Stream) sendAll(queue *session.MediaQueue) error {
	c := s.conn
	who := writer{stream: s, sender: true}
	if err := c.lockWrites(who); err != nil {
		return err
	}
	defer func() { <-c.out.lock }()
	b := batch{c: c, who: who}
	var o chunk.Outgoing
	for m := range queue.All() {
		o = chunk.Outgoing{Type: uint8(m.Type), ChunkStreamID: m.ChunkStreamID, StreamID: s.id, Timestamp: m.Timestamp,
			Format: chunk.Format3, Body: m.Body}
		if err := b.add(&o); err != nil {
			break
		}
	}
	if b.err == nil {
		b.flush()
	}
	if b.err != nil {
		return c.fail(b.err)
	}
	return nil
}
