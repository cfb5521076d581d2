package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// StreamStats describes a stream. Bytes are those of bodies.
type StreamStats struct {
	Path, Publisher   string // PublishOptions.Owner, "" while there is none
	Since             time.Time
	Players, Backlog  int // Backlog: bytes of memory in the log
	Info              flv.Info
	BytesIn, BytesOut uint64
	Missed, Resyncs   uint64 // messages that slow players have skipped, and how often
}
