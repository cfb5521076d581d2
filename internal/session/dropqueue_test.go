package session

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

// Mutation testing (see CONTRIBUTING.md) finds these changes that no test notices, since they have no effect:
//   - dropqueue.go: swapping the two values of DropQueue.pruneAt, and preferring the other of two key frames with the same position.
//   - reader.go: not yielding to other goroutines before a wait.

const (
	mediaSize   = 100                         // size of each message's payload below, in bytes
	mediaQueued = mediaSize + queueHeaderSize // size of such a message in a queue
)

func mediaMessage(t message.Type, timestamp uint32, begin ...byte) *Message {
	return &Message{Packet: message.Packet{Type: t, Timestamp: timestamp, Body: append(begin, make([]byte, mediaSize-len(begin))...)}}
}

func keyFrame(timestamp uint32) *Message { return mediaMessage(message.TypeVideo, timestamp, 0x17, 1) }
func frame(timestamp uint32) *Message    { return mediaMessage(message.TypeVideo, timestamp, 0x27, 1) }
func sound(timestamp uint32) *Message    { return mediaMessage(message.TypeAudio, timestamp, 0xAF, 1) }
func codecHeader() *Message              { return mediaMessage(message.TypeVideo, 0, 0x17, 0) }

func offer(t *testing.T, q *DropQueue, m *Message, taken bool, dropped int) {
	t.Helper()
	gotTaken, gotDropped := q.Offer(m)
	require.Equal(t, taken, gotTaken, "taken")
	require.Equal(t, dropped, gotDropped, "dropped")
}

func fill(t *testing.T, q *DropQueue, all ...*Message) {
	t.Helper()
	for _, m := range all {
		offer(t, q, m, true, 0)
	}
}

func timesIn(q *DropQueue) (times []uint32) {
	for m := range q.All() {
		times = append(times, m.Timestamp)
	}
	return times
}

// TestDropQueueOfAnyLength checks that with the largest limit, which means no limit, headers and metadata are kept, too.
func TestDropQueueOfAnyLength(t *testing.T) {
	q := NewDropQueue(math.MaxInt)
	fill(t, &q, codecHeader(), mediaMessage(message.TypeDataAMF0, 0), keyFrame(0), sound(0), frame(1))
}

func TestDropQueueLimit(t *testing.T) {
	q := NewDropQueue(mediaQueued + mediaSize)
	fill(t, &q, sound(0), sound(1))
	offer(t, &q, sound(2), true, 2)

	q = NewDropQueue(mediaQueued + mediaSize - 1)
	fill(t, &q, sound(0))
	offer(t, &q, sound(1), false, 0)

	q = NewDropQueue(1)
	fill(t, &q, sound(0)) // in an empty queue, a message may have any size
	offer(t, &q, sound(1), true, 1)
}

// TestDropQueueJustFits checks that a message that just fits drops nothing.
func TestDropQueueJustFits(t *testing.T) {
	q := NewDropQueue(2*mediaQueued + mediaSize)
	fill(t, &q, keyFrame(0), frame(1), keyFrame(2))
	offer(t, &q, keyFrame(3), true, 3)
}

// TestDropQueuePrunesAgain checks that a queue prunes again after it was offered an eighth of the bytes that the last pruning kept.
func TestDropQueuePrunesAgain(t *testing.T) {
	cut := func(m *Message, queued int) *Message {
		m.Body = m.Body[:queued-queueHeaderSize]
		return m
	}
	const kept = 20 + 7*mediaQueued
	for queued, dropped := range map[int]int{kept/pruneCost - 1: 0, kept / pruneCost: 7} {
		q := NewDropQueue(kept)
		fill(t, &q, cut(keyFrame(0), 20), frame(1), frame(2), frame(3), frame(4), frame(5), frame(6), frame(7))
		require.Equal(t, kept, q.Len())
		offer(t, &q, frame(8), false, 0)
		q.Pop() // now all frames could be dropped
		offer(t, &q, cut(frame(9), queued), false, dropped)
	}
}

// TestDropQueueJumpsToTheKeyFrame checks that media before the last key frame is dropped.
func TestDropQueueJumpsToTheKeyFrame(t *testing.T) {
	q := NewDropQueue(6 * mediaQueued)
	fill(t, &q, frame(0), sound(1), keyFrame(2), sound(2), frame(3), sound(3))
	offer(t, &q, frame(4), true, 2)
	assert.Equal(t, []uint32{2, 2, 3, 3, 4}, timesIn(&q))
}

// TestDropQueueWaitsForAKeyFrame checks a queue that is full of a single group of pictures. It keeps the group and refuses media, until a
// new key frame replaces the group.
// TestDropQueuePrefersKeyFramesToSound checks that a key frame for which there is no room replaces later sound. Otherwise sound could keep out
// all pictures.
func TestDropQueuePrefersKeyFramesToSound(t *testing.T) {
	for _, limit := range []int{1, mediaQueued, mediaQueued + mediaSize - 1} {
		q := NewDropQueue(limit)
		fill(t, &q, sound(5))
		offer(t, &q, keyFrame(1), true, 1)
	}
	q := NewDropQueue(mediaQueued + mediaSize)
	fill(t, &q, sound(5))
	offer(t, &q, keyFrame(1), true, 0)
}

func TestDropQueueWaitsForAKeyFrame(t *testing.T) {
	for _, popped := range []bool{false, true} {
		q := NewDropQueue(3 * mediaQueued)
		fill(t, &q, keyFrame(1), frame(2), sound(3))
		offer(t, &q, frame(4), false, 0)
		if popped {
			q.Pop()
			offer(t, &q, frame(5), false, 0) // there is room, but the picture can't be decoded
			fill(t, &q, sound(5))
			require.Equal(t, []uint32{2, 3, 5}, timesIn(&q))
		}
		offer(t, &q, keyFrame(7), true, 3)
		fill(t, &q, frame(8))
		require.Equal(t, []uint32{7, 8}, timesIn(&q))
	}
}

// TestDropQueueWithoutKeyFrame checks that without a key frame all pictures are dropped, and audio stays.
func TestDropQueueWithoutKeyFrame(t *testing.T) {
	q := NewDropQueue(3 * mediaQueued)
	fill(t, &q, frame(0), sound(0), frame(1))
	offer(t, &q, frame(2), false, 2)
	require.Equal(t, []uint32{0}, timesIn(&q))
	offer(t, &q, frame(3), false, 0)
	fill(t, &q, keyFrame(4), frame(5))
}

// TestDropQueueKeepsHeaders checks that headers stay, and are accepted up to twice the limit.
func TestDropQueueKeepsHeaders(t *testing.T) {
	const six = 5*mediaQueued + mediaSize // size of the queue when the last one arrives
	for limit, taken := range map[int]bool{six / 2: true, six/2 - 1: false} {
		q := NewDropQueue(limit)
		fill(t, &q, codecHeader(), codecHeader(), codecHeader(), codecHeader(), codecHeader())
		offer(t, &q, codecHeader(), taken, 0)
		offer(t, &q, keyFrame(1), false, 0)
	}
}

func TestDropQueueRestart(t *testing.T) {
	q := NewDropQueue(1 << 20)
	fill(t, &q, keyFrame(0), frame(1), sound(1), keyFrame(2), frame(3), sound(3))
	require.Equal(t, 3, q.Restart())
	fill(t, &q, frame(4))
	require.Equal(t, []uint32{2, 3, 3, 4}, timesIn(&q))

	taken := q.Take()
	require.Equal(t, 4*mediaQueued, taken.Len())
	taken.Clear()
	require.Zero(t, q.Len())
	fill(t, &q, frame(5), sound(5))
	require.Equal(t, 1, q.Restart(), "no key frame")
	offer(t, &q, frame(6), false, 0)
	fill(t, &q, keyFrame(7), frame(8))

	q = NewDropQueue(1 << 20)
	fill(t, &q, keyFrame(0))
	require.Zero(t, q.Restart())
	fill(t, &q, frame(1))
}

// TestDropQueueRestartDropsSound checks that audio is dropped if the headers alone exceed the limit.
func TestDropQueueRestartDropsSound(t *testing.T) {
	for limit, dropped := range map[int]int{3 * mediaQueued: 0, 3*mediaQueued - 1: 1} {
		q := NewDropQueue(limit)
		fill(t, &q, sound(0), codecHeader(), codecHeader())
		require.Equal(t, dropped, q.Restart())
	}
}
