package capture

import (
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Message is a recorded message.
type Message struct {
	message.Packet // Timestamp is absolute, and Absolute is true

	From   Direction
	Began  time.Duration // time from Info.Began until its first byte was sent or received
	At     time.Duration // time from Info.Began until its last byte was sent or received
	Chunks int           // number of chunks
	Wire   int           // size in bytes, including chunk headers
	// Dropped reports that the message was never completed, because another message began on its chunk stream. Body is the part that was
	// sent. A message that an Abort, a message without a body or the end of the session cuts off is not returned.
	Dropped bool

	ordinal int // number of the message in its direction, in the order of the first bytes, from 1
}
