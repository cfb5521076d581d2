package relay

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
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

// send sends the headers, and then the queue. It returns nil when Close has been called and everything is sent, a better link to continue
// with, or an error.
func (s *sender) send(l *link) (better *link, _ error) {
	search := s.search()
	defer func() {
		search.end(better)
		s.p.mu.Lock()
		s.p.connected = better != nil
		s.p.mu.Unlock()
	}()
	for begun := false; ; {
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
			if found := search.found(); found != nil {
				s.current, s.failedInRound = search.at, 0
				s.connected(found)
				return found, nil
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

// search tries the endpoints before the current one.
type search struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when the search has ended; link is not nil if it was successful
	link   *link
	at     int // the index of link's endpoint in sender.endpoints
}

func (s *sender) search() *search {
	ctx, cancel := context.WithCancel(s.p.ctx)
	r := &search{cancel: cancel, ended: make(chan struct{})}
	var places []int
	for i := range s.current {
		if !s.givenUp[i] {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		close(r.ended)
		return r
	}
	pause := cmp.Or(s.p.Backoff.Max, 30*time.Second)
	go func() {
		defer close(r.ended)
		for reconnect.Sleep(ctx, reconnect.Delay(pause, pause, 0)) == nil {
			for _, r.at = range places {
				var err error
				if r.link, err = open(s.p.ctx, ctx, s.endpoints[r.at], &rtmp.StreamOptions{Writable: true}, nil); err == nil {
					return
				}
			}
		}
	}()
	return r
}

func (r *search) found() *link {
	select {
	case <-r.ended:
		return r.link
	default:
		return nil
	}
}

// end ends the search. It closes the link that the search has found, unless that link is taken.
func (r *search) end(taken *link) {
	r.cancel()
	<-r.ended
	if r.link != nil && r.link != taken {
		r.link.close()
	}
}
