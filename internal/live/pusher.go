package live

import "time"

// pusher is a goroutine that serves some of a stream's members.
type pusher struct {
	stream  *stream
	members []member // guarded by stream.mu
	news    chan struct{}
	urgent  chan struct{} // signalled when a member has joined: it gets its first messages without waiting for Policy.Merge
	done    chan struct{} // closed when no members are left

	// Only run uses the fields below.
	round round
	timer *time.Timer
}

// round is the state that all members share during one call of pusher.visit.
type round struct {
	members          []member
	published, ended bool   // the stream's state
	end              uint64 // end of the stream's log
	batch            batch
}

func newPusher(s *stream) *pusher {
	return &pusher{stream: s, news: make(chan struct{}, 1), urgent: make(chan struct{}, 1), done: make(chan struct{})}
}

func (p *pusher) run() {
	for {
		select {
		case <-p.news:
			if !p.merge() {
				return
			}
		case <-p.urgent:
		case <-p.done:
			return
		}
		p.visit()
	}
}

// merge waits for more messages. It returns false if no member is left.
func (p *pusher) merge() bool {
	p.stream.mu.Lock()
	d := p.stream.policy.Merge
	if p.stream.ended {
		d = 0
	}
	p.stream.mu.Unlock()
	if d == 0 {
		return true
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	for {
		select {
		case <-p.timer.C:
			return true
		case <-p.urgent:
			p.visit()
		case <-p.done:
			p.timer.Stop()
			return false
		}
	}
}

// visit calls the visit method of every member once.
func (p *pusher) visit() {
	r, s := &p.round, p.stream
	s.mu.Lock()
	r.members = append(r.members[:0], p.members...)
	r.published, r.ended, r.end = s.newest != nil, s.ended, s.log.end()
	s.mu.Unlock()
	for _, m := range r.members {
		m.visit(r)
	}
	clear(r.members)
	r.batch.clear()
}
