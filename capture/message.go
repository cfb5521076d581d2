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
	At     time.Duration // when its last one was
	Chunks int           // how many it came in
	Wire   int           // bytes, with the headers of its chunks
	// Dropped is set for an unfinished message that will not be finished: it was aborted, or another one began on its chunk stream.
	// Body holds what there is of it.
	Dropped bool

	ordinal int // in its direction, by when it began, from 1
}
