package live

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// pusher is a goroutine that serves some of a stream's members.
type pusher struct {
	stream        *stream
	members       []member // guarded by stream.mu
	urgentMembers []member // members that need not wait for Policy.Merge; guarded by stream.mu
	news          chan struct{}
	urgent        chan struct{} // signalled when urgentMembers is not empty
	done          chan struct{} // closed when no members are left

	// Only run uses the fields below.
	round round
	timer *time.Timer
}

// round is the state that all members share during one call of pusher.push.
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
			p.push(&p.urgentMembers)
			continue
		case <-p.done:
			return
		}
		p.push(&p.members)
	}
}

// pushNow makes the pusher push to m without waiting for Policy.Merge. The caller holds stream.mu.
func (p *pusher) pushNow(m member) {
	p.urgentMembers = append(p.urgentMembers, m)
	session.Signal(p.urgent)
}

// merge waits for Policy.Merge, so that more messages arrive. It returns false if no member is left.
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
			p.push(&p.urgentMembers)
		case <-p.done:
			p.timer.Stop()
			return false
		}
	}
}

// push calls the push method of every member in list. list is either members or urgentMembers, which push empties.
func (p *pusher) push(list *[]member) {
	r, s := &p.round, p.stream
	s.mu.Lock()
	r.members = append(r.members[:0], *list...)
	if list == &p.urgentMembers {
		clear(p.urgentMembers)
		p.urgentMembers = p.urgentMembers[:0]
	}
	r.published, r.ended, r.end = s.newest != nil, s.ended, s.log.end()
	s.mu.Unlock()
	for _, m := range r.members {
		m.push(r)
	}
	clear(r.members)
	r.batch.clear()
}
