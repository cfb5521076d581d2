package server

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// relay holds the live streams.
type relay struct{ hub *live.Hub }

func (r *relay) init(s *Server) { r.hub = live.NewHub(live.Config{ChunkSize: s.chunkSize()}) }

func (l *Live) policy() live.Policy {
	return live.Policy{Takeover: live.Takeover(l.Takeover), StaleAfter: l.StaleAfter, PublishIdle: l.PublishIdle, Linger: l.Linger,
		MaxBitrate: l.MaxBitrate, Backlog: l.Backlog, BacklogTime: l.BacklogTime, Merge: l.Merge}
}

// StreamStats are the counters of a live stream, or of one of its publishers or players. BytesIn and BytesOut count message bodies.
type StreamStats struct {
	Path, Publisher   string // Publisher is the publisher's user or, without one, its address
	Since             time.Time
	Players, Backlog  int // Backlog is the memory of the stored messages, in bytes
	Info              flv.Info
	BytesIn, BytesOut uint64
	Missed, Resyncs   uint64 // messages that slow players have missed, and how often they have resumed at a key frame
}
