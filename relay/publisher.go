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
// server still considers the name in use by the previous connection. Each connection begins with the headers and a key frame. Writing never
// blocks: media that can't be sent yet is queued, and a full queue drops media like Options.SendQueue of package rtmp.
//
//	p := &relay.Publisher{URLs: []string{"rtmp://example.com/live/key"}}
//	defer p.Close()
//	w := media.NewWriter(p, video, audio) // or p.WritePacket, or io.Copy(p, file) of FLV
//
// The fields must not be changed after the first use. All methods may be called from any goroutine. The Publisher's own goroutine ends with
// Close.
type Publisher struct {
	// URLs are the URLs to publish to, in order of preference, as for rtmp.New. The Publisher uses the first one that accepts the stream.
	// While it publishes to another than the first, it tries the URLs before that one every Backoff.Max. If one of them accepts the stream,
	// the Publisher moves to it at a key frame.
	URLs []string

	// Options are the options of the connections; nil means the defaults. The Publisher sets Publish. SendQueue is the size in bytes of the
	// queue, which all connections share; 0 means 4 MiB. The Publisher follows the server's requests to reconnect as FollowReconnect
	// allows, for one connection.
	Options *rtmp.Options
	Backoff Backoff

	// OnEvent, if not nil, is called with each Event, on the Publisher's goroutine. Nothing is sent while it runs. It must not call Close.
	OnEvent func(Event)
	// GiveUp reports whether to stop trying a URL after an error. If no URL is left, writing returns the last error. Nil means that all
	// URLs are tried without end. See [Denied].
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

// Start begins to make the first connection, and returns at once. If Start is not called, the first write does the same. Further calls do
// nothing.
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
			(&sender{p: p, places: places, gone: make([]bool, len(places))}).run()
		}()
	})
}

// places returns the places that URLs and Options describe, or an error if they are invalid.
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

// WritePacket queues an audio, video or data message for publishing, and does not block. It uses pkt.Type, pkt.Timestamp in milliseconds,
// and pkt.Body, which it copies. It returns an error if the URLs or an option are invalid, or if pkt is not an audio, video or data
// message. If GiveUp has returned true for the last URL, it returns the error passed to GiveUp. After Close it returns net.ErrClosed.
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
	if kind == flv.KindHeader && !p.connected && p.latest.Has(tag) { // The header is already queued or sent; the queue would fill up with repetitions.
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
	session.Signal(p.more)
	return nil
}

// over returns the final error of writing, or nil if writing is possible.
func (p *Publisher) over() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Write publishes FLV bytes. Tags may be split anywhere between calls, and file headers between tags are skipped. The error is one of
// WritePacket's, or says that the bytes are not FLV.
func (p *Publisher) Write(b []byte) (n int, err error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	var tag flv.Tag
	return session.WriteTags(b, &p.tags, &tag, "relay: publish", func() error { return p.WritePacket(packetOf(tag)) })
}

// Close sends what is queued, if there is a connection, for at most ten seconds. Then it closes the connection, which takes as long as
// [rtmp.Conn.Close]. An error means that the last messages may not have arrived. Further calls wait for the first and return its error.
func (p *Publisher) Close() error {
	p.mu.Lock()
	if p.err == nil {
		p.err, p.closed = fmt.Errorf("relay: %w", net.ErrClosed), true
		if p.cancel != nil && !p.connected {
			p.cancel()
		}
	}
	p.mu.Unlock()
	p.Start() // the code below waits for the goroutine, so it must have been started
	session.Signal(p.more)
	defer time.AfterFunc(closeLimit, p.cancel).Stop()
	<-p.ended
	return p.failure
}

// PublisherStats are the counters of a Publisher. Written is Sent + Dropped + Queued.
type PublisherStats struct {
	Connections uint64 // accepted by the server, including the stream
	Failures    uint64 // connections that were lost or abandoned, or could not be made

	Written uint64 // messages passed to WritePacket or Write
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
