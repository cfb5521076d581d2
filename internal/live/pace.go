package live

import (
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
)

// paceWait is how long a publisher waits for a recorder that does not fetch messages.
const paceWait = 5 * time.Second

// pace makes a publisher that sends faster than its timestamps, such as a program that uploads a file, wait for its recorders before the log
// drops messages that they have not fetched. It does not wait longer than it is ahead of its timestamps. So a live publisher does not wait,
// and a disk that hangs does not delay its players. Timestamps that stand still while half the log arrives are not those of a live publisher.
type pace struct {
	clocks [3]clock // of audio, video and data, whose timestamps may be far apart
	still  int      // cost of the messages since a clock last advanced
	hangs  bool     // the last wait has ended without room; there is no further one until there is room
}

// clock compares the timestamps of messages of one type with their arrival.
type clock struct {
	began bool
	start time.Duration // early of the first message, less the time by which later timestamps have jumped back
	last  int64         // the largest time since the last jump back, in ms
}

// jumpBack is how far timestamps may go back, in ms, without a new beginning such as that of the next file: those of several tracks differ.
const jumpBack = 1000

// add is called with the time of a message in ms and its arrival. It returns how far the messages are ahead of their timestamps, and
// whether the time has advanced.
func (c *clock) add(at int64, now time.Duration) (ahead time.Duration, advanced bool) {
	early := time.Duration(at)*time.Millisecond - now
	switch {
	case !c.began:
		c.began, c.start, c.last = true, early, at
	case at < c.last-jumpBack:
		c.start -= time.Duration(c.last-at) * time.Millisecond
		c.last = at
	case at > c.last:
		c.last, advanced = at, true
	}
	return early - c.start, advanced
}

// clock returns the clock for messages of a type.
func (k *pace) clock(t flv.TagType) *clock {
	switch t {
	case flv.TagAudio:
		return &k.clocks[0]
	case flv.TagVideo:
		return &k.clocks[1]
	}
	return &k.clocks[2]
}

// keepPace is called after each message, with its type, time in ms, arrival and cost. crowded is stream.crowded.
func (p *Publisher) keepPace(crowded bool, t flv.TagType, at int64, now time.Duration, cost int) {
	k := &p.pace
	ahead, advanced := k.clock(t).add(at, now)
	if advanced {
		k.still = 0
	}
	k.still += cost
	if !crowded {
		k.hangs = false
	}
	ahead = min(ahead, paceWait)
	if k.still > p.options.Policy.Backlog/2 {
		ahead = paceWait
	}
	if !crowded || k.hangs || ahead <= 0 {
		return
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	for p.waitsForRoom() {
		select {
		case <-p.room:
		case <-timer.C:
			k.hangs = true
			return
		}
	}
}

// waitsForRoom reports whether the stream is crowded and the publication continues. If so, it wakes the recorders, which may be waiting
// for more messages.
func (p *Publisher) waitsForRoom() bool {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.err != nil || !s.crowded() {
		return false
	}
	for _, r := range s.recorders {
		r.behind = max(r.behind, r.bytes)
		session.Signal(r.news)
	}
	return true
}

// crowded reports whether the log will drop a message that a recorder has not fetched when the next one is added. The caller holds s.mu.
func (s *stream) crowded() bool {
	if len(s.recorders) == 0 {
		return false
	}
	kept := s.log.base
	for cost := s.log.cost; cost > s.policy.Backlog; kept++ {
		cost -= s.log.messages[kept-s.log.base].cost
	}
	return slices.ContainsFunc(s.recorders, func(r *Subscriber) bool { return r.position.Load() < kept })
}

// fetched wakes the publisher if it waits for a recorder. The caller holds s.mu.
func (s *stream) fetched() {
	if s.publisher != nil {
		session.Signal(s.publisher.room)
	}
}
