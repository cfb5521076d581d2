package live

import "time"

// Takeover says what becomes of a publisher when another asks for the same path.
type Takeover int

const (
	TakeStale  Takeover = iota // it is replaced by the same user, else by the same host, or after Policy.StaleAfter of silence by anybody
	TakeNever                  // it stays
	TakeAlways                 // it is replaced
)

// Policy is the rules of a stream, brought by its publisher and its last one as long as the stream lingers. The zero value has the
// defaults; a negative value means none, or no limit.
type Policy struct {
	Takeover    Takeover
	StaleAfter  time.Duration // silence after which TakeStale lets anybody in; 0: 5 s
	PublishIdle time.Duration // a publisher without messages for so long is ended; 0: 30 s
	Linger      time.Duration // how long players stay after the publisher has left; 0: 5 s; < 0: the stream ends at once
	MaxBitrate  int           // bit/s over 10 s beyond which the publisher is ended; 0: no limit
	Backlog     int           // bytes of memory that the log may take; 0: 8 MiB. The newest message is always there
	BacklogTime time.Duration // how long the log keeps a message; 0: 10 s
	Merge       time.Duration // what comes within so long is given to players together; 0: at once
}
