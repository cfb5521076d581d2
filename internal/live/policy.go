package live

import (
	"math"
	"time"
)

// Policy is the rules of a stream, brought by its publisher and its last one as long as the stream lingers. The zero value has the
// defaults; a negative value means none, or no limit.
type Policy struct {
	Takeover    Takeover
	StaleAfter  time.Duration // silence after which TakeStale lets anybody in; 0: 5 s; < 0: nobody
	PublishIdle time.Duration // a publisher without messages for so long is ended; 0: 30 s
	Linger      time.Duration // how long players stay after the publisher has left; 0: 5 s; < 0: the stream ends at once
	MaxBitrate  int           // bit/s over 10 s beyond which the publisher is ended; 0: no limit
	Backlog     int           // bytes of memory that the log may take; 0: 8 MiB. The newest message is always there
	BacklogTime time.Duration // how long the log keeps a message; 0: 10 s
	Merge       time.Duration // what comes within so long is given to players together; 0: at once
}

// resolved returns the policy with its defaults, and no limit as the largest there is.
func (p Policy) resolved() Policy {
	const never = time.Duration(math.MaxInt64)
	set := func(d *time.Duration, zero, negative time.Duration) {
		if *d == 0 {
			*d = zero
		} else if *d < 0 {
			*d = negative
		}
	}
	set(&p.StaleAfter, 5*time.Second, never)
	set(&p.PublishIdle, 30*time.Second, never)
	set(&p.Linger, 5*time.Second, 0)
	set(&p.BacklogTime, 10*time.Second, never)
	set(&p.Merge, 0, 0)
	switch {
	case p.Backlog == 0:
		p.Backlog = 8 << 20
	case p.Backlog < 0:
		p.Backlog = math.MaxInt
	}
	if p.MaxBitrate <= 0 {
		p.MaxBitrate = math.MaxInt
	}
	return p
}
