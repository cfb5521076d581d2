package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/internal/session"
)

// sender is the state of a Publisher's goroutine.
type sender struct {
	p         *Publisher
	endpoints []endpoint
	givenUp   []bool    // endpoints that are no longer tried
	current   int       // index of the current endpoint
	next      *endpoint // the endpoint to which the server has asked to reconnect, or nil

	failedInRound int       // endpoints that have failed since the last wait
	dialAt        time.Time // when to connect
	failures      failures

	headers  flv.Headers // the latest headers taken from the queue
	early    int         // number of packets in headers, or replaced there, that wait for begin
	hasVideo bool        // the stream has video
	pkt      rtmp.Packet // the packet to send next
	pending  bool        // pkt is valid

	moved sync.WaitGroup // goroutines that close links from which the stream has moved to a better one
}

// run publishes until Close, or until no endpoint is left.
func (s *sender) run() {
	defer s.moved.Wait()
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
		uptime := time.Since(l.began)
		if better != nil {
			s.leave(l)
			s.count(func(stats *PublisherStats) { stats.Failures++ })
			if err != nil {
				s.restart()
			}
		} else if !s.failed(l.fail(err), l.endpoint, uptime) {
			break
		}
		l = better
	}
	s.drop()
}

// connect tries until it succeeds. It returns nil if the goroutine should end.
func (s *sender) connect() *link {
	for {
		if err := reconnect.Sleep(s.p.ctx, time.Until(s.dialAt)); err != nil {
			return nil
		}
		to := s.endpoints[s.current]
		if s.next != nil {
			to = *s.next
		}
		s.report(Event{Kind: Connecting, URL: to.String(), Index: s.current})
		l, err := s.open(s.p.ctx, to, s.current)
		if err == nil {
			s.connected(l)
			return l
		}
		if !s.failed(err, to, 0) {
			return nil
		}
	}
}

// open opens a link. dialing bounds only this call. at is the index of the endpoint to which the link leads, or whose server has led it.
func (s *sender) open(dialing context.Context, to endpoint, at int) (*link, error) {
	l, err := open(s.p.ctx, dialing, to, &rtmp.StreamOptions{Writable: true}, s.wake)
	if err == nil {
		l.index = at
	}
	return l, err
}

func (s *sender) wake() { session.Signal(s.p.more) }

func (s *sender) connected(l *link) {
	s.p.failure = nil
	s.count(func(stats *PublisherStats) { stats.Connections++ })
	s.report(Event{Kind: Connected, URL: l.endpoint.String(), Index: s.current})
}

// failed decides when and where to connect after a connection has ended with err after uptime, or could not be made (uptime 0). It returns
// false if the goroutine should end.
func (s *sender) failed(err error, to endpoint, uptime time.Duration) bool {
	if s.p.ctx.Err() != nil {
		return false
	}
	s.p.failure = fmt.Errorf("relay: publish: %w", err)
	if s.closing() {
		return false
	}
	s.count(func(stats *PublisherStats) { stats.Failures++ })
	e := Event{Kind: kindOf(err), URL: to.String(), Index: s.current, Err: err}
	s.failures.ended(s.p.Backoff, uptime)
	moving := s.next != nil
	s.next = nil
	var move *reconnect.Moved
	switch {
	case errors.As(err, &move):
		next := endpointOf(move)
		s.next = &next
		e = Event{Kind: Moved, URL: s.next.String(), Index: s.current, Wait: s.failures.add(s.p.Backoff)}
	case moving: // return to the endpoint that sent the request
		e.Wait = s.failures.add(s.p.Backoff)
	default:
		s.givenUp[s.current] = isSettingsError(err) || s.p.GiveUp != nil && s.p.GiveUp(err)
		round, left := s.advance(uptime)
		if !left {
			s.p.mu.Lock()
			s.p.err = s.p.failure
			s.p.mu.Unlock()
			s.report(e)
			return false
		}
		if round {
			e.Wait = s.failures.add(s.p.Backoff)
		}
	}
	s.dialAt = time.Now().Add(e.Wait)
	s.report(e)
	return true
}

// advance selects the next endpoint after the current one has failed. round reports whether all have failed since the last wait, and left
// whether any is left to try.
func (s *sender) advance(uptime time.Duration) (round, left bool) {
	if s.p.Backoff.healthy(uptime) {
		s.failedInRound = 0
	}
	if !s.givenUp[s.current] {
		s.failedInRound++
	}
	n := 0
	for _, gone := range s.givenUp {
		if !gone {
			n++
		}
	}
	if n == 0 {
		return false, false
	}
	if round = s.failedInRound >= n; round {
		s.failedInRound, s.current = 0, len(s.endpoints)-1 // so that the first endpoint is next
	}
	for {
		if s.current = (s.current + 1) % len(s.endpoints); !s.givenUp[s.current] {
			return round, true
		}
	}
}
