package live

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// playersPerPusher is the number of players for which another pusher is started. A pusher needs about 3 ms to write a message to so many.
// With a smaller number, messages would arrive hardly earlier, and processors that are working on something else would be interrupted.
const playersPerPusher = 512

// publication is the part of a stream that comes from one publisher. It is guarded by stream.mu.
type publication struct {
	ended uint64 // sequence number after the last message; 0 while the publication continues
}

// stream is the stream of a path. It exists while it has a publisher or players, unless the hub ends it earlier.
type stream struct {
	hub  *Hub
	path string

	mu        sync.Mutex // guards everything below
	log       log
	again     headerEncoder
	headers   *headerSet // the headers that are valid now
	policy    Policy     // policy of the newest publisher
	publisher *Publisher // nil if there is no publisher
	newest    *Publisher // the current publisher or the last one; nil if there was none
	linger    *alarm     // set while players wait for another publisher
	ended     bool       // no more messages will arrive, and the stream has been removed from the Hub
	err       error      // the reason for the end; nil for a normal end

	lastTime int64         // time of the newest message
	lastCame time.Duration // arrival of the newest message

	pushers   []*pusher
	recorders []*Subscriber // they are woken without a pusher
	players   int           // members that keep the stream alive without a publisher
	gone      traffic       // traffic of members that have left
}

func newStream(h *Hub, path string) *stream {
	return &stream{hub: h, path: path, again: headerEncoder{chunkSize: h.chunkSize}, log: log{base: 1}, lastTime: math.MinInt64}
}

// append adds a message and wakes its readers. The caller holds s.mu.
func (s *stream) append(m *Message) {
	s.log.append(m, s.policy.Backlog, s.policy.BacklogTime, s.slowest)
	if m.key || !s.log.video {
		s.log.keep(s.slowest(m.sequence))
	}
	s.lastTime, s.lastCame = max(s.lastTime, m.time), m.at
	for _, r := range s.recorders {
		if r.behind += m.cost; r.behind >= r.enough {
			session.Signal(r.news)
		}
	}
	s.wake()
}

// slowest returns the minimum of from and the positions of all members. The caller holds s.mu.
func (s *stream) slowest(from uint64) uint64 {
	for _, r := range s.recorders {
		from = min(from, r.position.Load())
	}
	for _, p := range s.pushers {
		for _, m := range p.members {
			from = min(from, m.common().position.Load())
		}
	}
	return from
}

// wake makes the pushers push to their members. The caller holds s.mu.
func (s *stream) wake() {
	for _, p := range s.pushers {
		session.Signal(p.news)
	}
}

// wakeAll also wakes the recorders, when the publication or the stream has ended. The caller holds s.mu.
func (s *stream) wakeAll() {
	s.wake()
	for _, r := range s.recorders {
		session.Signal(r.news)
	}
}

// take is log.take. over is true if the stream has ended and the cursor has reached its end.
func (s *stream) take(c *cursor, dst []*Message) (_ []*Message, p progress, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(dst)
	dst, p = s.log.take(c, dst, &s.again)
	if c.only != nil {
		s.fetched()
	}
	if len(dst) == n && !p.more {
		over = s.ended || c.only != nil && c.only.ended != 0
	}
	return dst, p, over
}

// state reports whether the stream has or had a publisher, and whether and why it has ended.
func (s *stream) state() (published, ended bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest != nil, s.ended, s.err
}

// add adds a member to the pusher with the fewest members. The caller holds Hub.mu and s.mu.
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
	r.pusher, r.index = p, len(p.members)
	p.members = append(p.members, m)
	if !r.aside {
		s.players++
	}
	s.hub.members[m] = struct{}{}
	p.pushNow(m)
}

// remove removes a member; further calls have no effect. A stream ends if neither a publisher nor players are left.
func (s *stream) remove(m member) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(m)
}

// removeLocked is remove for callers that hold Hub.mu and s.mu.
func (s *stream) removeLocked(m member) {
	r := m.common()
	sub, _ := m.(*Subscriber)
	if i := slices.Index(s.recorders, sub); i >= 0 {
		s.recorders = slices.Delete(s.recorders, i, i+1)
		s.fetched()
		s.gone.add(&r.traffic)
		return
	}
	p := r.pusher
	if p == nil {
		return
	}
	r.pusher = nil
	r.await.stop()
	s.gone.add(&r.traffic)
	last := len(p.members) - 1
	p.members[r.index] = p.members[last]
	p.members[r.index].common().index = r.index
	p.members[last] = nil
	p.members = p.members[:last]
	if last == 0 {
		close(p.done)
		s.pushers = slices.DeleteFunc(s.pushers, func(other *pusher) bool { return other == p })
	}
	if !r.aside {
		s.players--
	}
	if s.publisher == nil && s.players == 0 && !s.ended {
		s.end(nil)
	}
}

// unpublish ends the publication, and informs the publisher if tell is true. The caller holds Hub.mu and s.mu.
func (s *stream) unpublish(err error, tell bool) {
	p := s.publisher
	s.publisher = nil
	p.err, p.publication.ended = err, s.log.end()
	p.idle.stop()
	session.Signal(p.room)
	if tell && p.options.Ended != nil {
		s.hub.uninformed++
		s.hub.running.Go(func() {
			defer s.hub.publisherInformed()
			p.options.Ended(err)
		})
	}
	s.wakeAll()
}

// leave is called after the publisher has left. If the stream has players, it continues for Policy.Linger. Unless another publisher comes,
// it then ends with err. The caller holds Hub.mu and s.mu.
func (s *stream) leave(err error) {
	if s.players == 0 || s.policy.Linger == 0 {
		s.end(err)
		return
	}
	left := s.newest
	s.linger = newAlarm(&s.hub.running, s.policy.Linger, func() {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.newest == left && !s.ended {
			s.end(err)
		}
	})
}

// end ends the stream, which must not have a publisher. Its path can then be used by another stream. Players are informed after they have
// received everything. The caller holds Hub.mu and s.mu.
func (s *stream) end(err error) {
	s.ended, s.err = true, err
	s.linger.stop()
	delete(s.hub.streams, s.path)
	s.wakeAll()
}

// traffic returns the sum over all players. The caller holds s.mu.
func (s *stream) traffic() *traffic {
	all := new(traffic)
	all.add(&s.gone)
	for _, r := range s.recorders {
		all.add(&r.traffic)
	}
	for _, p := range s.pushers {
		for _, m := range p.members {
			all.add(&m.common().traffic)
		}
	}
	return all
}

// stats describes p's publication, with the traffic t. If p is nil, the stream has not had a publisher. The caller holds s.mu.
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
