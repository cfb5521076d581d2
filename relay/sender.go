package relay

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// sender is the state of a Publisher's goroutine.
type sender struct {
	p      *Publisher
	places []place
	gone   []bool // places that are no longer tried
	at     int    // index of the current place
	next   *place // the place to which the server has asked to reconnect, or nil

	tried int       // places that have failed since the last wait
	due   time.Time // when to connect
	tries failures

	headers  flv.Headers // headers that have been sent
	pictures bool        // the stream has video
	pkt      rtmp.Packet // the packet to send next
	pending  bool        // pkt is valid
}

// run publishes until Close, or until no place is left.
func (s *sender) run() {
	var l *link
	for {
		if l == nil {
			if l = s.connect(); l == nil {
				break
			}
			s.restart()
		}
		better, err := s.send(l)
		if err == nil && better == nil { // everything has been sent, and Close is waiting
			s.p.failure = l.close()
			break
		}
		served := time.Since(l.began)
		if better != nil {
			l.close()
			s.count(func(stats *PublisherStats) { stats.Failures++ })
		} else if !s.failed(l.lost(err), l.to, served) {
			break
		}
		l = better
	}
	s.drop()
}

// connect waits until it is time to connect, and tries until it succeeds. It returns nil if the goroutine should end.
func (s *sender) connect() *link {
	for {
		if err := reconnect.Sleep(s.p.ctx, time.Until(s.due)); err != nil {
			return nil
		}
		to := s.places[s.at]
		if s.next != nil {
			to = *s.next
		}
		s.tell(Event{Kind: Connecting, URL: to.String(), Index: s.at})
		l, err := open(s.p.ctx, s.p.ctx, to, &rtmp.StreamOptions{Writable: true})
		if err == nil {
			s.connected(l)
			return l
		}
		if !s.failed(err, to, 0) {
			return nil
		}
	}
}

func (s *sender) connected(l *link) {
	s.p.failure = nil
	s.count(func(stats *PublisherStats) { stats.Connections++ })
	s.tell(Event{Kind: Connected, URL: l.to.String(), Index: s.at})
}

// failed decides when and where to connect after a connection to a place has ended with err or could not be made. It returns false if the
// goroutine should end.
func (s *sender) failed(err error, to place, served time.Duration) bool {
	if s.p.ctx.Err() != nil {
		return false
	}
	s.p.failure = fmt.Errorf("relay: publish: %w", err)
	if s.closing() {
		return false
	}
	s.count(func(stats *PublisherStats) { stats.Failures++ })
	e := Event{Kind: kindOf(err), URL: to.String(), Index: s.at, Err: err}
	s.tries.after(s.p.Backoff, served)
	moving := s.next != nil
	s.next = nil
	var move *reconnect.Moved
	switch {
	case errors.As(err, &move):
		s.next = &place{move.URL, *move.Options}
		e = Event{Kind: Moved, URL: s.next.String(), Index: s.at, Wait: s.tries.wait(s.p.Backoff)}
	case moving: // return to the place whose server had sent the request
		e.Wait = s.tries.wait(s.p.Backoff)
	default:
		s.gone[s.at] = hopeless(err) || s.p.GiveUp != nil && s.p.GiveUp(err)
		round, left := s.another(served)
		if !left {
			s.p.mu.Lock()
			s.p.err = s.p.failure
			s.p.mu.Unlock()
			s.tell(e)
			return false
		}
		if round {
			e.Wait = s.tries.wait(s.p.Backoff)
		}
	}
	s.due = time.Now().Add(e.Wait)
	s.tell(e)
	return true
}

// another selects the next place after the current one has failed. round reports whether all places have failed since the last wait, and
// left whether any place is left to try.
func (s *sender) another(served time.Duration) (round, left bool) {
	if s.p.Backoff.healthy(served) {
		s.tried = 0
	}
	if !s.gone[s.at] {
		s.tried++
	}
	n := 0
	for _, gone := range s.gone {
		if !gone {
			n++
		}
	}
	if n == 0 {
		return false, false
	}
	if round = s.tried >= n; round {
		s.tried, s.at = 0, len(s.places)-1 // so that the first place is next
	}
	for {
		if s.at = (s.at + 1) % len(s.places); !s.gone[s.at] {
			return round, true
		}
	}
}
