package relay

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/message"
)

func (s *sender) restart() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	dropped := s.p.queue.Restart()
	if kind, _ := flv.KindOf(tagOf(&s.pkt)); s.pending && kind != flv.KindHeader {
		s.pending = false
		dropped++
	}
	s.p.stats.Dropped += uint64(dropped)
	s.p.connected = true
}

func (s *sender) drop() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.failure == nil && (s.pending || s.early > 0 || s.p.queue.Len() > 0) {
		s.p.failure = errors.New("relay: close: some media was not sent")
	}
	s.p.queue.Clear()
	s.p.stats.Dropped = s.p.stats.Written - s.p.stats.Sent
}

// send sends the headers, and then the queue. It returns nil when Close has been called and everything is sent, or a better link to continue
// with, or an error. If it returns both, l has ended.
func (s *sender) send(l *link) (better *link, err error) {
	next, moving := s.prefer(), false // the better link
	defer func() {
		if err != nil && s.p.ctx.Err() == nil && next != nil && next.Ready() {
			better = s.take(next, moving)
		} else if better == nil {
			s.abandon(next)
		}
		s.p.mu.Lock()
		s.p.connected = better != nil
		s.p.mu.Unlock()
	}()
	for begun := false; ; {
		if !moving && l.request() != nil {
			s.abandon(next)
			next, moving = s.move(l), true
		}
		if !s.pending {
			if s.pop() {
				if s.early > 0 {
					return nil, s.begin(l)
				}
				return nil, nil
			}
		}
		if !s.pending {
			select {
			case <-s.p.more:
			case <-l.ctx.Done():
				return nil, l.ctx.Err()
			case <-l.conn.Done():
				return nil, l.conn.Err()
			}
			continue
		}
		kind, _ := flv.KindOf(tagOf(&s.pkt))
		if kind == flv.KindKeyFrame || !s.hasVideo {
			if next != nil && next.Ready() {
				if better = s.take(next, moving); better != nil {
					return better, nil
				}
				next, moving = s.prefer(), false
				continue
			}
		}
		if !begun {
			if s.keepEarly(kind) {
				continue
			}
			if err := s.begin(l); err != nil {
				return nil, err
			}
			begun = true
		}
		if err := s.write(l, kind); err != nil {
			return nil, err
		}
	}
}

// keepEarly keeps the pending packet for begin if it is a header, and reports whether it was one.
func (s *sender) keepEarly(kind flv.Kind) bool {
	if kind != flv.KindHeader {
		return false
	}
	s.headers.Keep(tagOf(&s.pkt))
	if !s.headers.Has(tagOf(&s.pkt)) { // there are too many
		return false
	}
	s.pending = false
	s.early++
	return true
}

// begin sends the headers. They wait until media follows, since the source may have changed meanwhile, and servers such as nginx-rtmp record
// only the first headers before a key frame.
func (s *sender) begin(l *link) error {
	sent := 0
	for tag := range s.headers.All() {
		if err := l.stream.WritePacket(packetOf(tag)); err != nil {
			return err
		}
		sent++
	}
	s.count(func(stats *PublisherStats) {
		stats.Sent += uint64(min(s.early, sent))
		stats.Dropped += uint64(max(0, s.early-sent)) // later headers have replaced them
		stats.Repeated += uint64(max(0, sent-s.early))
	})
	s.early = 0
	return nil
}

// pop makes the oldest message of the queue pending, if there is one. last reports that no more messages will follow.
func (s *sender) pop() (last bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.queue.Len() == 0 {
		return s.p.closed
	}
	m := s.p.queue.Front()
	s.pkt = rtmp.Packet{Type: m.Type, Timestamp: m.Timestamp, Body: append(s.pkt.Body[:0], m.Body...)}
	s.p.queue.Pop()
	s.pending = true
	return false
}

func (s *sender) write(l *link, kind flv.Kind) error {
	if err := l.stream.WritePacket(&s.pkt); err != nil {
		return err
	}
	switch kind {
	case flv.KindHeader:
		s.headers.Keep(tagOf(&s.pkt))
	case flv.KindKeyFrame, flv.KindFrame:
		s.hasVideo = true
	}
	s.pending = false
	s.count(func(stats *PublisherStats) { stats.Sent++ })
	return nil
}

func (s *sender) count(f func(*PublisherStats)) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	f(&s.p.stats)
}

func (s *sender) closing() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.p.closed
}

func (s *sender) report(e Event) {
	if s.p.OnEvent != nil {
		s.p.OnEvent(e)
	}
}

// prefer begins to try the endpoints before the current one, again and again. It returns nil if there are none.
func (s *sender) prefer() *reconnect.Successor[*link] {
	var places []int
	for i := range s.current {
		if !s.givenUp[i] {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return nil
	}
	pause := cmp.Or(s.p.Backoff.Max, 30*time.Second)
	open := func(ctx context.Context) (*link, bool) {
		for _, at := range places {
			if l, err := s.open(ctx, s.endpoints[at], at); err == nil {
				return l, true
			}
		}
		return nil, false
	}
	return reconnect.Succeed(s.p.ctx, reconnect.Delay(pause, pause, 0), pause, pause, open, s.wake)
}

// move begins to connect to the server to which that of l has asked to reconnect.
func (s *sender) move(l *link) *reconnect.Successor[*link] {
	s.failures.ended(s.p.Backoff, time.Since(l.began))
	wait, at := s.failures.add(s.p.Backoff), s.current
	s.report(Event{Kind: Moved, URL: endpointOf(l.request()).String(), Index: at, Wait: wait})
	return l.succeed(s.p.ctx, wait, s.p.Backoff, func(ctx context.Context, to endpoint) (*link, error) {
		next, err := s.open(ctx, to, at)
		var refused *rtmp.StatusError
		if errors.As(err, &refused) && refused.Code == message.CodePublishBadName { // perhaps l has the name
			l.cancel(nil)
		}
		return next, err
	}, s.wake)
}

// take ends the successor, which must be ready, and returns its link, with which the stream continues. It returns nil if the link has been
// lost meanwhile.
func (s *sender) take(next *reconnect.Successor[*link], moving bool) *link {
	l, _ := next.Take()
	if l.conn.Err() != nil {
		s.leave(l)
		s.count(func(stats *PublisherStats) { stats.Failures++ })
		return nil
	}
	s.current, s.failedInRound, s.next = l.index, 0, nil
	if moving {
		s.next = &l.endpoint
	}
	s.connected(l)
	return l
}

// leave closes a link in a goroutine, since that waits until a slow server has read everything.
func (s *sender) leave(l *link) { s.moved.Go(func() { l.close() }) }

// abandon ends a successor, which may be nil, and closes its link.
func (s *sender) abandon(next *reconnect.Successor[*link]) {
	if next != nil {
		if l, ok := next.Take(); ok {
			s.leave(l)
		}
	}
}
