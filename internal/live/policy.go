package live

import (
	"math"
	"time"
)

// Policy contains the rules of a stream. They are set by its publisher, and apply until another publisher replaces it. In the fields, 0
// means the default in resolved, and a negative value means no limit unless the field says something else.
type Policy struct {
	Takeover    Takeover
	StaleAfter  time.Duration // time without messages after which TakeStale lets anyone take over
	PublishIdle time.Duration // time without messages after which a publisher is ended
	Linger      time.Duration // how long players stay after the publisher has left; < 0 means not at all
	MaxBitrate  int           // bits per second, averaged over 10 s, above which the publisher is ended
	Backlog     int           // memory of the log in bytes, without its newest message
	BacklogTime time.Duration // how long the log keeps a message
	Merge       time.Duration // time for which messages are collected before players get them together; 0 or less means that each is sent at once
}

// resolved returns the policy with defaults in place of 0, and the largest values in place of no limit.
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
