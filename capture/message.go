package capture

import (
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Message is a recorded message.
type Message struct {
	message.Packet // Timestamp is the message's time, and Absolute is true

	From   Direction
	Began  time.Duration // when its first byte was sent or received, since Info.Began
	At     time.Duration // when its last byte was sent or received, since Info.Began
	Chunks int           // number of its chunks
	Wire   int           // size in bytes, including chunk headers
	// Dropped reports that the message was never completed: it was aborted, or another message began on its chunk stream. Body is the part
	// that was sent.
	Dropped bool

	ordinal int // number of the message in its direction, ordered by first byte, from 1
}
