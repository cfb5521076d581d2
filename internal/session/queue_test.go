package session

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

// TestFullMediaQueueIsNotMoved checks that adding and removing a message does not cost more in a longer queue.
func TestFullMediaQueueIsNotMoved(t *testing.T) {
	const size, enough = 300, 4 << 20
	var q MediaQueue
	m := &Message{Packet: message.Packet{Type: message.TypeAudio, Body: bytes.Repeat([]byte{7}, size)}}
	messages := 0
	for q.Len() < enough || len(q.slab)+queueHeaderSize+size <= cap(q.slab) { // until no room is left
		q.Push(m)
		messages++
	}
	moved, largest := 0, 0
	for i := range 2 * messages {
		q.Pop()
		before := q.head
		m.Timestamp = uint32(i)
		q.Push(m)
		if q.head < before {
			moved += q.Len()
		}
		largest = max(largest, cap(q.slab))
	}
	pushed := 2 * messages * (size + queueHeaderSize)
	require.LessOrEqual(t, moved, 2*pushed, "bytes moved")
	require.LessOrEqual(t, largest, 5*q.Len()/2, "bytes of memory")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		q.Pop()
		q.Push(m)
	}))
	for range messages {
		front := q.Front()
		require.Len(t, front.Body, size)
		q.Pop()
	}
	require.Nil(t, q.slab)
}

// TestMediaQueueKeepsOrder checks that messages of any size come out in order and unchanged.
func TestMediaQueueKeepsOrder(t *testing.T) {
	var q MediaQueue
	next, first := 0, 0
	sizeOf := func(i int) int { return i * i % 977 }
	for round := range 400 {
		for range round % 13 {
			q.Push(&Message{Packet: message.Packet{Type: message.TypeVideo, Timestamp: uint32(next), ChunkStreamID: 6,
				Body: bytes.Repeat([]byte{byte(next)}, sizeOf(next))}})
			next++
		}
		for range (round * 7) % 12 {
			if q.Len() == 0 {
				break
			}
			m := q.Front()
			require.EqualValues(t, first, m.Timestamp)
			require.Equal(t, bytes.Repeat([]byte{byte(first)}, sizeOf(first)), append([]byte{}, m.Body...))
			q.Pop()
			first++
		}
	}
	for m := range q.All() {
		require.EqualValues(t, first, m.Timestamp)
		first++
	}
	require.Equal(t, next, first)
}

// TestMediaQueueMoves checks that a queue that needs room moves to the beginning of its slab if the queued bytes fit into the free space
// there.
func TestMediaQueueMoves(t *testing.T) {
	for name, test := range map[string]struct {
		size, head, need int
		stays            bool
	}{
		"there is room":               {20, 5, 12, true},
		"half of it was taken out":    {32, 16, 16, true},
		"less":                        {32, 15, 1, false},
		"there would not be room":     {32, 16, 17, false},
		"all of it was taken out":     {32, 32, 32, true},
		"even that would be too much": {32, 32, 33, false},
	} {
		t.Run(name, func(t *testing.T) {
			slab := make([]byte, test.size, 32)
			for i := range slab {
				slab[i] = byte(i)
			}
			want := bytes.Clone(slab[test.head:])
			q := MediaQueue{slab: slab, head: test.head}
			q.makeRoom(test.need)
			require.Equal(t, want, q.slab[q.head:])
			require.GreaterOrEqual(t, cap(q.slab)-len(q.slab), test.need)
			require.Equal(t, test.stays, &q.slab[:1][0] == &slab[0])
		})
	}
}

// TestMediaQueueReturnsSlabs checks that an empty queue returns its slab to the pool, unless the slab is huge.
func TestMediaQueueReturnsSlabs(t *testing.T) {
	m := &Message{Packet: message.Packet{Type: message.TypeAudio}}
	for size, kept := range map[int]bool{100: true, keepQueue: true, keepQueue + 1: false} {
		var q MediaQueue
		q.Push(m)
		box := q.pooled
		require.NotNil(t, box)
		*box, q.slab = nil, append(make([]byte, 0, size), q.slab...)
		q.Pop()
		require.Nil(t, q.slab)
		require.Equal(t, kept, cap(*box) == size)
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
	require.LessOrEqual(t, cap(after.slab), smallSlab, "a queue that begins")
	for pushed := 0; pushed < 2*long; pushed += queueHeaderSize + sound.Size() {
		always.Push(sound)
		for always.Len() > 2*(queueHeaderSize+sound.Size()) {
			always.Pop()
		}
	}
	require.LessOrEqual(t, cap(always.slab), smallSlab, "a queue that is never empty")
}
