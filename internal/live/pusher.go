package live

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// pusher is a goroutine that serves some of a stream's members.
type pusher struct {
	stream  *stream
	members []member // guarded by stream.mu
	hurried []member // members to visit at once; guarded by stream.mu
	news    chan struct{}
	urgent  chan struct{} // signalled when hurried has members
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
			p.visit(&p.hurried)
			continue
		case <-p.done:
			return
		}
		p.visit(&p.members)
	}
}

// hurry visits m at once, without waiting for Policy.Merge. The caller holds stream.mu.
func (p *pusher) hurry(m member) {
	p.hurried = append(p.hurried, m)
	session.Signal(p.urgent)
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
			p.visit(&p.hurried)
		case <-p.done:
			p.timer.Stop()
			return false
		}
	}
}

// visit calls the visit method of every member in list once. list is members, or hurried, which visit empties.
func (p *pusher) visit(list *[]member) {
	r, s := &p.round, p.stream
	s.mu.Lock()
	r.members = append(r.members[:0], *list...)
	if list == &p.hurried {
		clear(p.hurried)
		p.hurried = p.hurried[:0]
	}
	r.published, r.ended, r.end = s.newest != nil, s.ended, s.log.end()
	s.mu.Unlock()
	for _, m := range r.members {
		m.visit(r)
	}
	clear(r.members)
	r.batch.clear()
}
