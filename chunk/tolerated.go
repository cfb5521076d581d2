package chunk

import "sync/atomic"

// Tolerated counts deviations from the specification that the Reader has accepted.
type Tolerated struct {
	MissingExtended  uint64 // format 3 chunks without the extended timestamp that section 5.3.1.3 demands
	AbsoluteExtended uint64 // extended timestamps of format 1, 2 or 3 that were absolute
	ImplicitAborts   uint64 // messages dropped because a new one began on their chunk stream
	Aborts           uint64 // messages dropped by an Abort message, which is legal
}

// tolerated contains the counts of Tolerated.
type tolerated struct {
	missingExtended, absoluteExtended, implicitAborts, aborts atomic.Uint64
}

func (t *tolerated) counts() Tolerated {
	return Tolerated{MissingExtended: t.missingExtended.Load(), AbsoluteExtended: t.absoluteExtended.Load(),
		ImplicitAborts: t.implicitAborts.Load(), Aborts: t.aborts.Load()}
}
