package server

import (
	"cmp"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

// Defaults of Server's fields.
const (
	defaultChunkSize    = 65536
	defaultWindow       = 2_500_000
	defaultMaxMessage   = 8 << 20
	defaultMaxStreams   = 16
	defaultSetupTimeout = 10 * time.Second
	defaultIdleTimeout  = 60 * time.Second
	defaultWriteTimeout = 20 * time.Second

	// beforeConnect is the longest message accepted before connect is accepted, in bytes.
	beforeConnect = 64 << 10
	// lingerTimeout is how long a client may take to close the connection after the server has ended it.
	lingerTimeout = 5 * time.Second

	// recordingTimeout is how long a new publisher waits until the recording of the publisher that it replaces has ended.
	recordingTimeout = 5 * time.Second
	// maxChecks is the number of _onbwcheck calls that a client may leave
	// unanswered.
	maxChecks = 16
	// maxQuery is the maximum number of bytes of a client's parameters that are parsed.
	maxQuery = 16 << 10
)

// PublishTimeout is how long App.Publish may take. Then the client is refused.
const PublishTimeout = 10 * time.Second

// orDefault returns def if v is 0, none if v is negative, and otherwise v.
func orDefault[T int | int64 | time.Duration](v, def, none T) T {
	if v < 0 {
		return none
	}
	return cmp.Or(v, def)
}

func (s *Server) chunkSize() int { return orDefault(s.ChunkSize, defaultChunkSize, defaultChunkSize) }

// writeTimeout returns WriteTimeout. If WriteTimeout is disabled, it returns a time so long that a deadline never passes.
func (s *Server) writeTimeout() time.Duration {
	return orDefault(s.WriteTimeout, defaultWriteTimeout, 365*24*time.Hour)
}

func (s *Server) maxMessage() int {
	return orDefault(s.MaxMessageSize, defaultMaxMessage, chunk.MaxMessageLength)
}
