package session

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// MediaQueue is a first-in-first-out queue of media messages in a list of slabs. Slabs come from pools, and an empty queue has none. So
// queueing does not allocate in steady state, and idle connections hold no memory. A queue of a stream that is read at full speed often grows
// to megabytes while the system runs other threads. Small slabs are then used again while they are in the processor's cache, and messages
// are never moved. Each message lies in one slab:
//
//	+------+--------+---------+-----------+--------+ - - - -+
//	| type | format | cs id 4 | time 4    | size 4 |  body  |
//	+------+--------+---------+-----------+--------+ - - - -+
type MediaQueue struct {
	first, last *slab // nil if the queue is empty
	head        int   // where the oldest message begins in first
	size        int   // bytes that are queued, including headers
}

type slab struct {
	bytes []byte
	next  *slab
}

const (
	queueHeaderSize = 14
	// minSlab and commonSlab are the sizes of the first slab of a queue and of the slabs of a long queue, in bytes. A message that is larger has
	// a slab of its own.
	minSlab    = 4 << 10
	commonSlab = 64 << 10
)

// slabs are pools of unused slabs, by slabClass. They drop the slabs that were not used between two garbage collections. The largest class is
// that of the longest message that RTMP allows. A program can pass a longer one to HandlePacket; its slab is not pooled.
var slabs [26]sync.Pool

// slabClass returns the logarithm to base 2 of n, rounded up. The size of a slab is a power of 2.
func slabClass(n int) int { return bits.Len(uint(n - 1)) }

// newSlab returns an empty slab with room for n bytes.
func newSlab(n int) *slab {
	class := slabClass(n)
	if class >= len(slabs) {
		return &slab{bytes: make([]byte, 0, n)}
	}
	if s, _ := slabs[class].Get().(*slab); s != nil {
		return s
	}
	return &slab{bytes: make([]byte, 0, 1<<class)}
}

// Len returns how many bytes are queued, including headers.
func (q *MediaQueue) Len() int { return q.size }

// Push appends a copy of m.
func (q *MediaQueue) Push(m *Message) {
	size := m.Size()
	b := q.room(queueHeaderSize + size)
	b[0], b[1] = byte(m.Type), byte(m.Format)
	binary.BigEndian.PutUint32(b[2:], m.ChunkStreamID)
	binary.BigEndian.PutUint32(b[6:], m.Timestamp)
	binary.BigEndian.PutUint32(b[10:], uint32(size))
	m.CopyTo(b[queueHeaderSize:])
}

// room appends n bytes to the queue.
func (q *MediaQueue) room(n int) []byte {
	if s := q.last; s == nil || n > cap(s.bytes)-len(s.bytes) {
		s = newSlab(max(n, min(q.size, commonSlab), minSlab))
		if q.last == nil {
			q.first = s
		} else {
			q.last.next = s
		}
		q.last = s
	}
	s, at := q.last, len(q.last.bytes)
	s.bytes = s.bytes[:at+n]
	q.size += n
	return s.bytes[at:]
}

// Front returns the oldest message, whose body is a view into the queue. The queue must not be empty.
func (q *MediaQueue) Front() Message {
	b := q.first.bytes[q.head:]
	size := binary.BigEndian.Uint32(b[10:])
	return Message{Packet: message.Packet{Type: message.Type(b[0]), Format: chunk.Format(b[1]),
		ChunkStreamID: binary.BigEndian.Uint32(b[2:]), Timestamp: binary.BigEndian.Uint32(b[6:]), Absolute: true,
		Body: b[queueHeaderSize : queueHeaderSize+size]}}
}

// All yields the messages, oldest first, without taking them out.
func (q *MediaQueue) All() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		rest := *q
		for rest.size > 0 && yield(rest.Front()) {
			rest.skip()
		}
	}
}

// Pop drops the oldest message.
func (q *MediaQueue) Pop() {
	if s := q.skip(); s != nil {
		s.free()
	}
}

// skip drops the oldest message. It returns the slab of the message if no other message is in it.
func (q *MediaQueue) skip() *slab {
	s := q.first
	n := queueHeaderSize + int(binary.BigEndian.Uint32(s.bytes[q.head+10:]))
	q.head += n
	q.size -= n
	if q.head < len(s.bytes) {
		return nil
	}
	if q.first, q.head = s.next, 0; q.first == nil {
		q.last = nil
	}
	return s
}

// Clear empties the queue.
func (q *MediaQueue) Clear() {
	for s := q.first; s != nil; {
		next := s.next
		s.free()
		s = next
	}
	*q = MediaQueue{}
}

// free returns s to its pool.
func (s *slab) free() {
	s.bytes, s.next = s.bytes[:0], nil
	if class := slabClass(cap(s.bytes)); class < len(slabs) {
		slabs[class].Put(s)
	}
}
