package session

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/message"
)

// TestDropQueueCopiesLittle checks that the number of copied bytes is proportional to the number of offered bytes. This must be so even if
// the queue is full of small messages, a few of which must be dropped for each new message.
func TestDropQueueCopiesLittle(t *testing.T) {
	const limit, messages = 1 << 20, 200
	keep := map[string]*Message{
		"data":             {Packet: message.Packet{Type: message.TypeDataAMF0, Body: make([]byte, 100)}},
		"sound that lasts": {Packet: message.Packet{Type: message.TypeAudio, Timestamp: 1 << 20, Body: append([]byte{0x2f}, make([]byte, 100)...)}},
	}
	key := &Message{Packet: message.Packet{Type: message.TypeVideo, Body: append([]byte{0x17, 1, 0, 0, 0}, make([]byte, 3000)...)}}
	frame := &Message{Packet: message.Packet{Type: message.TypeVideo, Body: append([]byte{0x27, 1, 0, 0, 0}, make([]byte, 3000)...)}}
	for name, m := range keep {
		for what, offer := range map[string]func(*DropQueue){
			"key frames":      func(q *DropQueue) { q.Offer(key) },
			"one out, one in": func(q *DropQueue) { q.Pop(); q.Offer(frame); q.Offer(m) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				q := NewDropQueue(limit)
				for q.Len()+2*key.Size() < limit {
					q.Offer(m)
				}
				q.Offer(key)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range messages {
					offer(&q)
				}
				runtime.ReadMemStats(&after)
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(messages*limit/4))
			})
		}
	}
}
