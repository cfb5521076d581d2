package session

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// memory returns the sizes of the slabs of q.
func (q *MediaQueue) memory() (bytes int) {
	for s := q.first; s != nil; s = s.next {
		bytes += cap(s.bytes)
	}
	return bytes
}

// TestFullMediaQueueUsesSlabsAgain checks that a long queue needs little more memory than the messages in it, however many go through it.
func TestFullMediaQueueUsesSlabsAgain(t *testing.T) {
	const size, messages = 300, 4 << 20 / 300
	var q MediaQueue
	m := &Message{Packet: message.Packet{Type: message.TypeAudio, Body: bytes.Repeat([]byte{7}, size)}}
	for range messages {
		q.Push(m)
	}
	largest := 0
	for i := range 2 * messages {
		q.Pop()
		m.Timestamp = uint32(i)
		q.Push(m)
		largest = max(largest, q.memory())
	}
	require.Equal(t, messages*(queueHeaderSize+size), q.Len())
	require.LessOrEqual(t, largest, 3*q.Len()/2, "bytes of memory")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		q.Pop()
		q.Push(m)
	}))
	for range messages {
		front := q.Front()
		require.Len(t, front.Body, size)
		q.Pop()
	}
	require.Zero(t, q, "an empty queue")
}

// TestMediaQueueKeepsOrder checks that messages of any size come out in order and unchanged.
func TestMediaQueueKeepsOrder(t *testing.T) {
	for _, largest := range []int{977, minSlab, 3 * commonSlab} {
		var q MediaQueue
		next, first, queued := 0, 0, 0
		sizeOf := func(i int) int { return i * i % largest }
		for round := range 400 {
			for range round % 13 {
				q.Push(&Message{Packet: message.Packet{Type: message.TypeVideo, Timestamp: uint32(next), ChunkStreamID: 6,
					Body: bytes.Repeat([]byte{byte(next)}, sizeOf(next))}})
				queued += queueHeaderSize + sizeOf(next)
				next++
			}
			for range (round * 7) % 12 {
				if q.Len() == 0 {
					break
				}
				m := q.Front()
				require.EqualValues(t, first, m.Timestamp)
				require.True(t, bytes.Equal(bytes.Repeat([]byte{byte(first)}, sizeOf(first)), m.Body))
				q.Pop()
				queued -= queueHeaderSize + sizeOf(first)
				first++
			}
			require.Equal(t, queued, q.Len())
			require.LessOrEqual(t, q.memory(), 2*queued+4*commonSlab+2*largest)
		}
		for m := range q.All() {
			require.EqualValues(t, first, m.Timestamp)
			first++
		}
		require.Equal(t, next, first)
		require.Equal(t, queued, q.Len(), "after All")
		q.Clear()
		require.Zero(t, q, "after Clear")
	}
}

// TestSlabClasses checks that a slab has room for the largest message and that it is returned to the pool from which such slabs are taken.
func TestSlabClasses(t *testing.T) {
	for _, n := range []int{minSlab, minSlab + 1, commonSlab, queueHeaderSize + chunk.MaxMessageLength} {
		s := newSlab(n)
		require.GreaterOrEqual(t, cap(s.bytes), n)
		require.Less(t, cap(s.bytes), 2*n)
		require.Equal(t, slabClass(n), slabClass(cap(s.bytes)))
		require.Less(t, slabClass(n), len(slabs))
	}
}

// TestShortQueuesHoldNoLargeSlabs checks that a short queue holds little memory, whatever slabs longer queues have left in the pools, and even
// if it was long before and has never been empty since.
func TestShortQueuesHoldNoLargeSlabs(t *testing.T) {
	const long = 8 << 20
	frame := &Message{Packet: message.Packet{Type: message.TypeVideo, Body: make([]byte, 100_000)}}
	sound := &Message{Packet: message.Packet{Type: message.TypeAudio, Body: make([]byte, 300)}}
	fill := func(q *MediaQueue) {
		for q.Len() < long {
			q.Push(frame)
		}
	}
	var before, after, always MediaQueue
	fill(&before)
	fill(&always)
	before.Clear()
	after.Push(sound)
	require.Equal(t, minSlab, after.memory(), "a queue that begins")
	for pushed := 0; pushed < 2*long; pushed += queueHeaderSize + sound.Size() {
		always.Push(sound)
		for always.Len() > 2*(queueHeaderSize+sound.Size()) {
			always.Pop()
		}
	}
	require.LessOrEqual(t, always.memory(), 2*minSlab, "a queue that is never empty")
}

// TestQueuedMessageLongerThanRTMPAllows checks that a message that no peer can send, but a program can pass to HandlePacket, is queued.
func TestQueuedMessageLongerThanRTMPAllows(t *testing.T) {
	var q MediaQueue
	q.Push(&Message{Packet: message.Packet{Type: message.TypeVideo, Body: make([]byte, 2*chunk.MaxMessageLength+2)}})
	require.Len(t, q.Front().Body, 2*chunk.MaxMessageLength+2)
	q.Pop()
	require.Zero(t, q)
}
