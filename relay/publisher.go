package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Publisher publishes a stream for ever: it connects again whenever the connection is lost or refused, a name that a former
// connection still holds included. Each connection gets the headers first, and pictures from a key frame on. Writing never waits:
// what can't be sent yet is queued, and when the queue is full the library's rules say what is dropped.
//
//	p := &relay.Publisher{URLs: []string{"rtmp://example.com/live/key"}}
//	defer p.Close()
//	w := media.NewWriter(p, video, audio) // or p.WritePacket, or io.Copy(p, file) of FLV
//
// The fields are not to be changed once it is used. Everything may be called from any goroutine. Its own goroutine ends with Close.
type Publisher struct {
	// URLs are where to publish, as rtmp.New takes them: the first one that takes the stream. While that is a later one, those before
	// it are tried every Backoff.Max, and the stream moves to the one that takes it, at a key frame.
	URLs []string

	// Options are the connections'; nil: the defaults. Publish is set. SendQueue is the size of the queue, over all connections; 0:
	// 4 MiB. Requests of the server to reconnect are followed as FollowReconnect allows, for one connection.
	Options *rtmp.Options
	Backoff Backoff

	// OnEvent is called with each Event, on the Publisher's goroutine, which sends nothing meanwhile. It may not call Close. nil: it is
	// not called.
	OnEvent func(Event)
	// GiveUp reports whether a URL is not to be tried again after that error. When none is left, writing returns the last one's.
	// nil: all are tried for ever. See [Denied].
	GiveUp func(error) bool

	starting sync.Once
	ctx      context.Context // of the goroutine
	cancel   context.CancelFunc
	more     chan struct{} // signalled when something was queued, and by Close
	ended    chan struct{} // closed when the goroutine has ended
	failure  error         // what Close returns; written by the goroutine

	writing sync.Mutex // held by Write: guards tags
	tags    flv.Parser

	mu        sync.Mutex // guards the rest
	queue     session.DropQueue
	latest    flv.Headers // that were queued
	connected bool        // a sender takes messages out of the queue
	err       error       // of writing, for ever
	closed    bool        // by Close
	stats     PublisherStats
}

const (
	defaultQueue = 4 << 20
	closeLimit   = 10 * time.Second
)

// Start makes the first connection, which otherwise the first write does. It does not wait for it. Further calls do nothing.
func (p *Publisher) Start() {
	p.starting.Do(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ctx, p.cancel = context.WithCancel(context.Background())
		p.more, p.ended = make(chan struct{}, 1), make(chan struct{})
		places, err := p.places()
		if p.err == nil {
			p.err, p.failure = err, err
		}
		if p.err != nil { // it may be closed
			p.cancel()
			close(p.ended)
			return
		}
		size := defaultQueue
		if p.Options != nil && p.Options.SendQueue > 0 {
			size = p.Options.SendQueue
		}
		p.queue = session.NewDropQueue(size)
		go func() {
			defer close(p.ended)
			defer p.cancel()
			(&sender{p: p, places: places, gone: make([]bool, len(places))}).run()
		}()
	})
}

// places are where the program wants to publish. The error says that this can't be.
func (p *Publisher) places() (places []place, _ error) {
	if len(p.URLs) == 0 {
		return nil, &impossible{errors.New("relay: publish: no URLs")}
	}
	for _, url := range p.URLs {
		to := place{url: url}
		if p.Options != nil {
			to.options = *p.Options
		}
		to.options.Publish, to.options.SendQueue = true, 0
		if err := to.check(); err != nil {
			return nil, err
		}
		places = append(places, to)
	}
	return places, nil
}

// WritePacket publishes an audio, video or data message as soon as that can be: pkt's Type, Timestamp (message time, milliseconds)
// and Body count, and Body is copied. It does not wait. The error is about an invalid URL or option, is one that GiveUp has
// accepted, net.ErrClosed after Close, or says that pkt is no such message.
func (p *Publisher) WritePacket(pkt *rtmp.Packet) error {
	switch {
	case !pkt.Type.Media():
		return fmt.Errorf("relay: publish: %s is not media", pkt.Type)
	case len(pkt.Body) > chunk.MaxMessageLength:
		return fmt.Errorf("relay: publish: message too long to send: %d", len(pkt.Body))
	}
	p.Start()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.stats.Written++
	tag := tagOf(pkt)
	kind, _ := flv.KindOf(tag)
	if kind == flv.KindHeader && !p.connected && p.latest.Has(tag) { // the queue has it, or the goroutine: else it would fill up with them
		p.stats.Dropped++
		return nil
	}
	taken, dropped := p.queue.Offer(&session.Message{Packet: message.Packet{Type: pkt.Type, Timestamp: pkt.Timestamp, Body: pkt.Body}})
	if p.stats.Dropped += uint64(dropped); !taken {
		p.stats.Dropped++
		return nil
	}
	if kind == flv.KindHeader {
		p.latest.Keep(tag)
	}
	p.signal()
	return nil
}

// over is the error of writing, nil as long as there is none.
func (p *Publisher) over() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// signal makes the goroutine look at what there is.
func (p *Publisher) signal() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// Write publishes FLV bytes. Tags may be split anywhere between calls; file headers are skipped wherever a tag can begin. The error
// is one of WritePacket, or says that it is not FLV.
func (p *Publisher) Write(b []byte) (n int, err error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	for n < len(b) {
		var tag flv.Tag
		k, ok, err := p.tags.Parse(b[n:], &tag)
		n += k
		if err != nil {
			return n, fmt.Errorf("relay: publish: %w", err)
		}
		if !ok {
			break
		}
		if err := p.WritePacket(packetOf(tag)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Close sends what is queued, if there is a connection: it waits ten seconds for that at most. Then it ends the connection, for which it
// waits as long as [rtmp.Conn.Close] does. The error says that the last of what was written may not have arrived. Further calls wait for
// the first and return its error.
func (p *Publisher) Close() error {
	p.mu.Lock()
	if p.err == nil {
		p.err, p.closed = fmt.Errorf("relay: %w", net.ErrClosed), true
		if p.cancel != nil && !p.connected {
			p.cancel()
		}
	}
	p.mu.Unlock()
	p.Start() // so that there is a goroutine to end
	p.signal()
	defer time.AfterFunc(closeLimit, p.cancel).Stop()
	<-p.ended
	return p.failure
}

// PublisherStats count what a Publisher has done. Written is Sent + Dropped + Queued.
type PublisherStats struct {
	Connections uint64 // on which the server has agreed to publishing
	Failures    uint64 // connections that were lost or left, or did not come about

	Written uint64 // messages that were given to WritePacket or Write
	Sent    uint64 // those that a connection has taken: the last may not have arrived when that is lost
	Dropped uint64 // those that won't be sent, because there is no connection or no room, or they can't be decoded without such
	Queued  uint64 // those that wait

	QueuedBytes int    // of those that wait
	Repeated    uint64 // headers that were sent once more at the beginning of a connection, besides
}

// Stats returns the counters.
func (p *Publisher) Stats() PublisherStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Queued, s.QueuedBytes = s.Written-s.Sent-s.Dropped, p.queue.Len()
	return s
}
