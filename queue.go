package rtmp

import (
	"encoding/binary"
	"iter"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// mediaQueue is a first-in-first-out queue of media messages in one slab of bytes. An empty queue has no slab: all queues
// share a pool, so that queueing allocates nothing in the long run and idle connections hold nothing.
//
//	+------+--------+---------+-----------+--------+ - - - -+
//	| type | format | cs id 4 | time 4    | size 4 |  body  |
//	+------+--------+---------+-----------+--------+ - - - -+
type mediaQueue struct {
	slab   []byte
	head   int
	pooled *[]byte // what slab came from
}

const (
	queueHeaderSize = 14
	keepQueue       = 1 << 20 // the largest slab kept when a queue runs empty, in bytes
)

var slabs = sync.Pool{New: func() any { return new([]byte) }}

func (q *mediaQueue) len() int { return len(q.slab) - q.head }

func (q *mediaQueue) push(m *incoming) {
	if q.pooled == nil {
		q.pooled = slabs.Get().(*[]byte)
		q.slab = *q.pooled
	}
	if q.head > 0 && len(q.slab)+queueHeaderSize+m.size() > cap(q.slab) {
		q.slab = q.slab[:copy(q.slab, q.slab[q.head:])]
		q.head = 0
	}
	b := append(q.slab, byte(m.Type), byte(m.Format))
	b = binary.BigEndian.AppendUint32(b, m.ChunkStreamID)
	b = binary.BigEndian.AppendUint32(b, m.Timestamp)
	b = binary.BigEndian.AppendUint32(b, uint32(m.size()))
	at := len(b)
	if need := at + m.size(); need <= cap(b) {
		b = b[:need]
	} else {
		grown := make([]byte, need, max(need, 2*cap(b)))
		copy(grown, b)
		b = grown
	}
	m.copyTo(b[at:])
	q.slab = b
}

// front describes the oldest message; its body is a view into the queue. The queue must not be empty.
func (q *mediaQueue) front() incoming {
	b := q.slab[q.head:]
	size := binary.BigEndian.Uint32(b[10:])
	return incoming{Packet: Packet{Type: message.Type(b[0]), Format: chunk.Format(b[1]),
		ChunkStreamID: binary.BigEndian.Uint32(b[2:]), Timestamp: binary.BigEndian.Uint32(b[6:]), Absolute: true,
		Body: b[queueHeaderSize : queueHeaderSize+size]}}
}

// all yields the messages, oldest first, without taking them out.
func (q *mediaQueue) all() iter.Seq[incoming] {
	return func(yield func(incoming) bool) {
		rest := *q
		for rest.len() > 0 && yield(rest.front()) {
			rest.head += rest.step()
		}
	}
}

func (q *mediaQueue) step() int {
	return queueHeaderSize + int(binary.BigEndian.Uint32(q.slab[q.head+10:]))
}

// pop drops the oldest message.
func (q *mediaQueue) pop() {
	q.head += q.step()
	if q.head == len(q.slab) {
		q.clear()
	}
}

func (q *mediaQueue) clear() {
	if q.pooled != nil && cap(q.slab) <= keepQueue {
		*q.pooled = q.slab[:0]
		slabs.Put(q.pooled)
	}
	*q = mediaQueue{}
}
