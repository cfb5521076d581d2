package server

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// Stats are the counters of a Server.
type Stats struct {
	Conns, Publishers, Players, Tunnels int    // current numbers; Conns includes HTTP viewers
	BytesIn, BytesOut                   uint64 // bytes of RTMP, including handshakes, of all connections
	Refused                             uint64 // refused connections, connects, publishes and plays
	Dropped                             uint64 // messages of the current streams that slow players have missed
	Streams                             []StreamStats
}

// StreamStats are the counters of a live stream, or of one of its publishers or players. BytesIn and BytesOut count message bodies.
type StreamStats struct {
	Path, Publisher   string // Publisher is the publisher's user or, if it has not authenticated, its address
	Since             time.Time
	Players, Backlog  int // Backlog is the memory of the stored messages, in bytes
	Info              flv.Info
	BytesIn, BytesOut uint64
	Missed, Resyncs   uint64 // messages that slow players have missed, and how often they have resumed at a key frame
}

// counts contains the counters that include connections which have ended.
type counts struct {
	bytesIn, bytesOut, refused atomic.Uint64
	files                      atomic.Int64 // players of files and Handlers
}

// Stats returns the current counters.
func (s *Server) Stats() Stats {
	s.init()
	st := Stats{BytesIn: s.counts.bytesIn.Load(), BytesOut: s.counts.bytesOut.Load(), Refused: s.counts.refused.Load(),
		Players: int(s.counts.files.Load())}
	s.mu.Lock()
	for c := range s.conns {
		if _, ok := c.dialed.(tunnelled); ok {
			st.Tunnels++
		}
		c.mu.Lock()
		sess := c.session
		c.mu.Unlock()
		if sess != nil {
			n := sess.Counters()
			st.BytesIn += n.BytesRead.Load()
			st.BytesOut += n.BytesWritten.Load()
		}
	}
	for v := range s.viewers {
		st.BytesOut += v.counters.BytesWritten.Load()
	}
	s.mu.Unlock()
	st.Conns = s.limiter.InUse()
	for _, one := range s.hub.Stats() {
		if one.Publisher != "" {
			st.Publishers++
		}
		st.Players += one.Players
		st.Dropped += one.Missed
		st.Streams = append(st.Streams, StreamStats(one))
	}
	return st
}

// StatsHandler returns a handler that serves Stats as JSON.
func (s *Server) StatsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := json.Marshal(s.Stats())
		if err != nil {
			http.Error(w, "no statistics", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
}
