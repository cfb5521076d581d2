package session

import (
	"encoding/binary"
	"iter"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// MediaQueue is a first-in-first-out queue of media messages in one slab of bytes. Slabs come from a pool, and an empty queue has no slab.
// So queueing does not allocate in steady state, and idle connections hold no memory.
//
//	+------+--------+---------+-----------+--------+ - - - -+
//	| type | format | cs id 4 | time 4    | size 4 |  body  |
//	+------+--------+---------+-----------+--------+ - - - -+
type MediaQueue struct {
	slab   []byte
	head   int
	pooled *[]byte // the pointer to slab that the pool uses
}

const (
	queueHeaderSize = 14
	// smallSlab is the size of the largest slab that a short queue gets, in bytes.
	smallSlab = 64 << 10
	// keepQueue is the size of the largest slab that is kept when a queue becomes empty, in bytes. A queue of a stream that is read at full
	// speed often grows to megabytes while the system runs other threads, and a new slab of that size costs more than the copies into it.
	// The pool drops the slabs that were not used between two garbage collections.
	keepQueue = 32 << 20
)

// slabs are pools of unused slabs, by slabClass. From a single pool, short queues would take large slabs again and again, so that the pool
// would never drop these.
var slabs = [2]sync.Pool{{New: newSlab}, {New: newSlab}}

func newSlab() any { return new([]byte) }

// slabClass is 0 for slabs of up to smallSlab bytes, and otherwise 1.
func slabClass(size int) int {
	if size <= smallSlab {
		return 0
	}
	return 1
}

// Len returns how many bytes are queued, including headers.
func (q *MediaQueue) Len() int { return len(q.slab) - q.head }

// Push appends a copy of m.
func (q *MediaQueue) Push(m *Message) {
	q.makeRoom(queueHeaderSize + m.Size())
	b := append(q.slab, byte(m.Type), byte(m.Format))
	b = binary.BigEndian.AppendUint32(b, m.ChunkStreamID)
	b = binary.BigEndian.AppendUint32(b, m.Timestamp)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Size()))
	at := len(b)
	b = b[:at+m.Size()]
	m.CopyTo(b[at:])
	q.slab = b
}

// makeRoom makes room for n bytes. If the queued bytes fit into the free space before them, it moves them to the beginning of the slab;
// otherwise it moves them to a slab of at least twice their length. So each byte is copied a bounded number of times. A short queue that has
// a large slab moves to a small one.
func (q *MediaQueue) makeRoom(n int) {
	if len(q.slab)+n <= cap(q.slab) {
		return
	}
	rest, need := q.slab[q.head:], q.Len()+n
	size := max(need, 2*len(rest))
	from, to := slabClass(cap(q.slab)), slabClass(size)
	switch {
	case len(rest) <= q.head && need <= cap(q.slab) && from <= to:
		q.slab, q.head = append(q.slab[:0], rest...), 0
	case q.pooled != nil && from == to:
		q.slab, q.head = append(make([]byte, 0, size), rest...), 0
	default:
		next := MediaQueue{pooled: slabs[to].Get().(*[]byte)}
		if next.slab = *next.pooled; cap(next.slab) < size {
			next.slab = make([]byte, 0, size)
		}
		next.slab = append(next.slab, rest...)
		q.Clear()
		*q = next
	}
}

// Front returns the oldest message, whose body is a view into the queue. The queue must not be empty.
func (q *MediaQueue) Front() Message {
	b := q.slab[q.head:]
	size := binary.BigEndian.Uint32(b[10:])
	return Message{Packet: message.Packet{Type: message.Type(b[0]), Format: chunk.Format(b[1]),
		ChunkStreamID: binary.BigEndian.Uint32(b[2:]), Timestamp: binary.BigEndian.Uint32(b[6:]), Absolute: true,
		Body: b[queueHeaderSize : queueHeaderSize+size]}}
}

// All yields the messages, oldest first, without taking them out.
func (q *MediaQueue) All() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		rest := *q
		for rest.Len() > 0 && yield(rest.Front()) {
			rest.head += rest.step()
		}
	}
}

func (q *MediaQueue) step() int {
	return queueHeaderSize + int(binary.BigEndian.Uint32(q.slab[q.head+10:]))
}

// Pop drops the oldest message.
func (q *MediaQueue) Pop() {
	q.head += q.step()
	if q.head == len(q.slab) {
		q.Clear()
	}
}

// Clear empties the queue.
func (q *MediaQueue) Clear() {
	if q.pooled != nil && cap(q.slab) <= keepQueue {
		*q.pooled = q.slab[:0]
		slabs[slabClass(cap(q.slab))].Put(q.pooled)
	}
	*q = MediaQueue{}
}
