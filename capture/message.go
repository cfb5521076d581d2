package capture

import (
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Message is a recorded message.
type Message struct {
	message.Packet // Timestamp is the message's time, Absolute is true

	From   Direction
	Began  time.Duration // when its first byte was sent or received, since Info.Began
	At     time.Duration // when its last byte was
	Chunks int           // number of its chunks
	Wire   int           // bytes with chunk headers
	// Dropped is set for an unfinished message that will not be finished: it was aborted, or another one began on its chunk stream.
	// Body holds what there is of it.
	Dropped bool

	ordinal int // number of the message in its direction, ordered by first byte, from 1
}
