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

// Publisher publishes a live stream without end: it connects again whenever the connection is lost or refused, for example because the
// server still considers the name in use. Each connection begins with the headers and a key frame. Writing never blocks: media that can't
// be sent yet is queued, and a full queue drops media like Options.SendQueue of package rtmp.
//
//	p := &relay.Publisher{URLs: []string{"rtmp://example.com/live/key"}}
//	defer p.Close()
//	w := media.NewWriter(p, video, audio) // or p.WritePacket, or io.Copy(p, file) of FLV
//
// The fields must not be changed after the first use. All methods may be called from any goroutine. Close ends the Publisher's goroutine.
type Publisher struct {
	// URLs are the URLs to publish to, in order of preference, as for rtmp.New. The Publisher uses the first one that accepts the stream.
	// Every Backoff.Max it tries the preferred URLs again. If one of these accepts the stream, the stream moves to it at a key frame.
	URLs []string

	// Options are the options of the connections; nil means the defaults. The Publisher sets Publish. SendQueue is the size in bytes of the
	// queue, which all connections share; 0 means 4 MiB. It should hold a group of pictures, with which a Player may begin at once: what finds
	// no room is dropped up to the next key frame. FollowReconnect applies to one connection: the one after it uses URLs again. A
	// Publisher that is asked to reconnect uses the old connection up to a key frame, which is the first that it sends to the new one. If the
	// new server has the name in use, it closes the old connection first.
	Options *rtmp.Options
	Backoff Backoff

	// OnEvent, if not nil, is called with each Event, on the Publisher's goroutine, which sends nothing meanwhile. It must not call Close.
	OnEvent func(Event)
	// GiveUp is called with the error of a URL. If it returns true, the URL is not tried again; if no URL is left, writing returns the last
	// error. Nil means that all URLs are tried without end. See [Denied].
	GiveUp func(error) bool

	starting sync.Once
	ctx      context.Context // context of the goroutine
	cancel   context.CancelFunc
	more     chan struct{} // signalled when something has been queued, and by Close
	ended    chan struct{} // closed when the goroutine has ended
	failure  error         // the result of Close; written by the goroutine

	writing sync.Mutex // held by Write: guards tags
	tags    flv.Parser

	mu        sync.Mutex // guards the rest
	queue     session.DropQueue
	latest    flv.Headers // latest headers that have been queued
	connected bool        // a sender takes messages from the queue
	err       error       // final error of writing
	closed    bool        // by Close
	stats     PublisherStats
}

const (
	defaultQueue = 4 << 20
	closeLimit   = 10 * time.Second
)

// Start begins to connect, and returns at once. Otherwise the first write does. Further calls do nothing.
func (p *Publisher) Start() {
	p.starting.Do(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ctx, p.cancel = context.WithCancel(context.Background())
		p.more, p.ended = make(chan struct{}, 1), make(chan struct{})
		places, err := p.endpoints()
		if p.err == nil {
			p.err, p.failure = err, err
		}
		if p.err != nil { // the Publisher may be closed already
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
			(&sender{p: p, endpoints: places, givenUp: make([]bool, len(places))}).run()
		}()
	})
}

// endpoints returns the endpoints in URLs and Options, or an error if they are invalid.
func (p *Publisher) endpoints() (endpoints []endpoint, _ error) {
	if len(p.URLs) == 0 {
		return nil, &settingsError{errors.New("relay: publish: no URLs")}
	}
	for _, url := range p.URLs {
		to := endpoint{url: url}
		if p.Options != nil {
			to.options = *p.Options
		}
		to.options.Publish, to.options.SendQueue = true, 0
		if err := to.check(); err != nil {
			return nil, err
		}
		endpoints = append(endpoints, to)
	}
	return endpoints, nil
}

// WritePacket queues an audio, video or data message for publishing, and does not block. It uses pkt.Type, pkt.Timestamp in milliseconds,
// and pkt.Body, which it copies. It returns an error if the URLs or an option are invalid, if pkt is not such a message, or if GiveUp has
// returned true for the last URL, and net.ErrClosed after Close.
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
	tag := tagOf(pkt)
	kind, _ := flv.KindOf(tag)
	if kind == flv.KindHeader && !p.connected && p.latest.Has(tag) { // repetitions would fill the queue
		return nil
	}
	p.stats.Written++
	taken, dropped := p.queue.Offer(&session.Message{Packet: message.Packet{Type: pkt.Type, Timestamp: pkt.Timestamp, Body: pkt.Body}})
	if p.stats.Dropped += uint64(dropped); !taken {
		p.stats.Dropped++
		return nil
	}
	if kind == flv.KindHeader {
		p.latest.Keep(tag)
	}
	session.Signal(p.more)
	return nil
}

func (p *Publisher) over() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Write publishes FLV bytes. Tags may be split anywhere between calls, and file headers between tags are skipped. The error is that of
// WritePacket, or says that the bytes are not FLV.
func (p *Publisher) Write(b []byte) (n int, err error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	var tag flv.Tag
	return session.WriteTags(b, &p.tags, &tag, "relay: publish", func() error { return p.WritePacket(packetOf(tag)) })
}

// Close sends the queued messages for at most ten seconds, if there is a connection, and then closes the connection as
// [rtmp.Conn.Close] does, which takes up to Options.Timeout if the server reads slowly. After an error the last messages may not have
// arrived. Further calls wait for the first and return its error.
func (p *Publisher) Close() error {
	p.mu.Lock()
	if p.err == nil {
		p.err, p.closed = fmt.Errorf("relay: %w", net.ErrClosed), true
		if p.cancel != nil && !p.connected {
			p.cancel()
		}
	}
	p.mu.Unlock()
	p.Start() // Close waits for the goroutine, which must exist
	session.Signal(p.more)
	defer time.AfterFunc(closeLimit, p.cancel).Stop()
	<-p.ended
	return p.failure
}

// PublisherStats are the counters of a Publisher. Written is Sent + Dropped + Queued.
type PublisherStats struct {
	Connections uint64 // accepted by the server, including the stream
	Failures    uint64 // connections that were lost or abandoned, or could not be made

	Written uint64 // messages passed to WritePacket or Write; without a connection, headers that only repeat the last ones do not count
	Sent    uint64 // messages written to a connection; if it is lost, the last ones may not have arrived
	Dropped uint64 // messages dropped for lack of a connection or of room, or because they depend on dropped ones
	Queued  uint64 // messages waiting to be sent

	QueuedBytes int    // size of the queued messages in bytes
	Repeated    uint64 // headers sent again at the beginning of a connection; not included in Sent
}

// Stats returns the counters.
func (p *Publisher) Stats() PublisherStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Queued, s.QueuedBytes = s.Written-s.Sent-s.Dropped, p.queue.Len()
	return s
}
