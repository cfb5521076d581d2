package server

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// relay is the live streams.
type relay struct{ hub *live.Hub }

func (r *relay) init(s *Server) { r.hub = live.NewHub(live.Config{ChunkSize: s.chunkSize()}) }

func (l *Live) policy() live.Policy {
	return live.Policy{Takeover: live.Takeover(l.Takeover), StaleAfter: l.StaleAfter, PublishIdle: l.PublishIdle, Linger: l.Linger,
		MaxBitrate: l.MaxBitrate, Backlog: l.Backlog, BacklogTime: l.BacklogTime, Merge: l.Merge}
}

// StreamStats describes a stream, or one publisher's or player's part in it. BytesIn and BytesOut count message bodies.
type StreamStats struct {
	Path, Publisher   string // Publisher: its user, else its address
	Since             time.Time
	Players, Backlog  int // Backlog: bytes of memory
	Info              flv.Info
	BytesIn, BytesOut uint64
	Missed, Resyncs   uint64 // messages that slow players have skipped, and how often
}
