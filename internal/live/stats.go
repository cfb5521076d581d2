package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// StreamStats describes a stream. It counts the bytes of message bodies.
type StreamStats struct {
	Path, Publisher   string // Publisher is PublishOptions.Owner, or "" while there is no publisher
	Since             time.Time
	Players, Backlog  int // Backlog is the memory of the log in bytes
	Info              flv.Info
	BytesIn, BytesOut uint64
	Missed, Resyncs   uint64 // number of messages that slow players have skipped, and how often they have resumed at a key frame
}
