package live

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// playersPerPusher is how many players there are before another goroutine shares the work.
const playersPerPusher = 64

// publication is what one publisher has made of a stream. Guarded by stream.mu.
type publication struct {
	ended uint64 // the sequence number after its last message, 0: it goes on
}

// stream is what is under a path: from its first publisher or waiting player until neither is left, or it has ended.
type stream struct {
	hub  *Hub
	path string

	mu        sync.Mutex // guards everything below
	log       log
	again     headerEncoder
	headers   *headerSet // the newest
	policy    Policy     // of the newest publisher
	publisher *Publisher // nil: there is none
	newest    *Publisher // the one that is, or was there last; nil: nobody was
	linger    *alarm     // runs while players wait for the next publisher
	ended     bool       // nothing will come; the stream is not in the Hub any more
	err       error      // why, nil: as streams end

	lastTime int64         // of the newest message,
	lastCame time.Duration // and when that came

	pushers []*pusher
	players int     // those that keep the stream alive without a publisher
	gone    traffic // of those that have left
}

func newStream(h *Hub, path string) *stream {
	return &stream{hub: h, path: path, again: headerEncoder{encoder: newEncoder(h.chunkSize)}, log: log{base: 1}, lastTime: math.MinInt64}
}

// append adds a message and wakes those who wait for it. The caller holds s.mu.
func (s *stream) append(m *Message) {
	s.log.append(m, s.policy.Backlog, s.policy.BacklogTime)
	if m.key || !s.log.video {
		s.log.keep(s.slowest(m.sequence))
	}
	s.lastTime, s.lastCame = max(s.lastTime, m.time), m.at
	s.wake()
}

// slowest is the least of the positions of all players and from. The caller holds s.mu.
func (s *stream) slowest(from uint64) uint64 {
	for _, p := range s.pushers {
		for _, m := range p.members {
			from = min(from, m.common().position.Load())
		}
	}
	return from
}

// wake makes the pushers look at the stream. The caller holds s.mu.
func (s *stream) wake() {
	for _, p := range s.pushers {
		signal(p.news)
	}
}

// take moves a cursor forward, and reports whether it is over: there is nothing more, and nothing will come.
func (s *stream) take(c *cursor, dst []*Message) (_ []*Message, p progress, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(dst)
	dst, p = s.log.take(c, dst, &s.again)
	if len(dst) == n && !p.more {
		over = s.ended || c.only != nil && c.only.ended != 0
	}
	return dst, p, over
}

// state reports whether there is or was a publisher, and whether the stream has ended and why.
func (s *stream) state() (published, ended bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest != nil, s.ended, s.err
}

// add gives a member to the pusher that has the fewest. The caller holds Hub.mu and s.mu.
func (s *stream) add(m member) {
	var p *pusher
	for _, candidate := range s.pushers {
		if p == nil || len(candidate.members) < len(p.members) {
			p = candidate
		}
	}
	if p == nil || len(p.members) >= playersPerPusher && len(s.pushers) < runtime.GOMAXPROCS(0) {
		p = newPusher(s)
		s.pushers = append(s.pushers, p)
		s.hub.running.Go(p.run)
	}
	r := m.common()
	r.pusher, r.place = p, len(p.members)
	p.members = append(p.members, m)
	if !r.recorder {
		s.players++
	}
	s.hub.members[m] = struct{}{}
	signal(p.urgent)
}

// remove undoes add, once. A stream without publisher and players ends.
func (s *stream) remove(m member) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := m.common()
	p := r.pusher
	if p == nil {
		return
	}
	r.pusher = nil
	r.await.stop()
	s.gone.add(&r.traffic)
	last := len(p.members) - 1
	p.members[r.place] = p.members[last]
	p.members[r.place].common().place = r.place
	p.members[last] = nil
	p.members = p.members[:last]
	if last == 0 {
		close(p.done)
		s.pushers = slices.DeleteFunc(s.pushers, func(other *pusher) bool { return other == p })
	}
	if !r.recorder {
		s.players--
	}
	if s.publisher == nil && s.players == 0 && !s.ended {
		s.end(nil)
	}
}

// unpublish ends the publication, and tells the publisher unless it was its own wish. The caller holds Hub.mu and s.mu.
func (s *stream) unpublish(err error, tell bool) {
	p := s.publisher
	s.publisher = nil
	p.err, p.publication.ended = err, s.log.end()
	p.idle.stop()
	if tell && p.options.Ended != nil {
		s.hub.telling++
		s.hub.running.Go(func() {
			defer s.hub.told()
			p.options.Ended(err)
		})
	}
	s.wake()
}

// leave lets the stream linger for its players after the publisher has gone. The caller holds Hub.mu and s.mu.
func (s *stream) leave() {
	if s.players == 0 || s.policy.Linger == 0 {
		s.end(nil)
		return
	}
	left := s.newest
	s.linger = newAlarm(&s.hub.running, s.policy.Linger, func() {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.newest == left && !s.ended {
			s.end(nil)
		}
	})
}

// end says that nothing will come, and makes room for another stream under the path. Players are told when they have got
// everything. The caller holds Hub.mu and s.mu; there is no publisher.
func (s *stream) end(err error) {
	s.ended, s.err = true, err
	s.linger.stop()
	delete(s.hub.streams, s.path)
	s.wake()
}

// traffic is what all players together have got. The caller holds s.mu.
func (s *stream) traffic() *traffic {
	all := new(traffic)
	all.add(&s.gone)
	for _, p := range s.pushers {
		for _, m := range p.members {
			all.add(&m.common().traffic)
		}
	}
	return all
}

// stats describes the stream as p has made it, nil: nobody, and t was given of it. The caller holds s.mu.
func (s *stream) stats(p *Publisher, t *traffic) StreamStats {
	st := StreamStats{Path: s.path, Players: s.players, Backlog: s.log.cost,
		BytesOut: t.bytes.Load(), Missed: t.missed.Load(), Resyncs: t.resyncs.Load()}
	if p == nil {
		return st
	}
	if p.err == nil {
		st.Publisher = p.options.Owner
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st.Since, st.Info, st.BytesIn = p.since, p.info, p.bytesIn
	return st
}
