package live

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// Publisher writes a stream. Write may be called by one goroutine at a time, the other methods by any.
type Publisher struct {
	stream      *stream
	options     PublishOptions // with a resolved policy
	publication *publication
	since       time.Time

	// Only Write uses the fields below.
	timeline timeline
	rate     rate
	kept     flv.Headers
	headers  *headerSet // the headers in kept
	known    *headerSet // headers of the previous publication that this one has not replaced; players already have them
	keyed    bool       // the publication has had a key frame
	memory   memory     // memory of the messages
	primary  uint8      // the video track with the lowest id, at whose key frames players begin
	pace     pace

	room chan struct{} // signalled when a recorder has fetched messages or left, and at the end of the publication

	lastCame atomic.Int64 // arrival of the newest message, or of the publisher if there is none, by the hub's clock

	err  error  // why the publication has ended; guarded by stream.mu
	idle *alarm // checks for media; guarded by stream.mu

	mu      sync.Mutex // guards the fields below; no other lock is taken while it is held
	info    flv.Info
	bytesIn uint64
	over    bool // the newest audio or video is the end of a sequence
}

// newPublisher starts a publication. The caller holds Hub.mu and s.mu.
func newPublisher(s *stream, o PublishOptions) *Publisher {
	p := &Publisher{stream: s, options: o, publication: new(publication), since: time.Now(),
		timeline: firstTimeline(), known: s.headers, room: make(chan struct{}, 1)}
	if s.log.end() > 1 {
		p.timeline = timeline{last: s.lastTime, lastCame: s.lastCame}
	}
	p.lastCame.Store(int64(s.hub.now()))
	p.watch(o.Policy.PublishIdle)
	return p
}

// heard returns lastCame as a duration.
func (p *Publisher) heard() time.Duration { return time.Duration(p.lastCame.Load()) }

// watch checks after d whether the publisher has been idle for too long. The caller holds Hub.mu and stream.mu.
func (p *Publisher) watch(d time.Duration) {
	p.idle = newAlarm(&p.stream.hub.running, d, func() {
		idle := p.stream.hub.now() - p.heard()
		if idle >= p.options.Policy.PublishIdle {
			p.end(ErrIdle, true, p.cut())
			return
		}
		p.locked(func() { p.watch(p.options.Policy.PublishIdle - idle) })
	})
}

// locked runs f with Hub.mu and stream.mu held, unless the publication has ended.
func (p *Publisher) locked(f func()) {
	p.stream.hub.mu.Lock()
	defer p.stream.hub.mu.Unlock()
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	if p.err == nil {
		f()
	}
}

// end ends the publication, unless it has ended. If no other publisher continues the stream, that ends with the error stream.
func (p *Publisher) end(err error, tell bool, stream error) {
	p.locked(func() {
		p.stream.unpublish(err, tell)
		p.stream.leave(stream)
	})
}

// Write adds a message. It copies the body, and does not wait for players. It may wait for a recorder (see pace). t must be in the form that
// players get: onMetaData without @setDataFrame, and data in AMF0. The first timestamp may have any value, since all timestamps are shifted
// to continue those of earlier publishers. The error is the reason for which the hub has ended the publisher, ErrClosed after Close, or an
// error for a body that is too long.
func (p *Publisher) Write(t flv.Tag) error {
	now := p.stream.hub.now()
	kind, track := flv.KindOf(t)
	if kind == flv.KindHeader && p.headers.size()+len(t.Body) > maxHeaderBytes {
		kind = flv.KindData
	}
	if kind == flv.KindKeyFrame {
		p.memory.keyFrame()
	}
	m, err := encode(t, p.timeline.at(t.Timestamp, kind == flv.KindHeader, now), p.stream.hub.chunkSize, &p.memory)
	if err != nil {
		return err
	}
	m.kind, m.track, m.at, m.from, m.headers = kind, track, now, p.publication, p.headers
	changed := false
	switch kind {
	case flv.KindHeader:
		changed = p.keep(t, m)
	case flv.KindKeyFrame:
		if !p.keyed || track < p.primary {
			p.keyed, p.primary = true, track
		}
		m.key = track == p.primary
	}
	t.Timestamp = uint32(m.time)
	at, cost := m.time, m.cost
	crowded, err := p.publish(m, changed)
	if err != nil { // from now on, another publisher may reuse the memory of m
		return err
	}
	p.lastCame.Store(int64(now))
	p.mu.Lock()
	p.info.Add(t)
	p.bytesIn += uint64(len(t.Body))
	if t.Type != flv.TagScript {
		p.over = endsSequence(t)
	}
	p.mu.Unlock()
	if p.rate.add(now, len(t.Body)) > int64(p.options.Policy.MaxBitrate) {
		p.end(ErrBitrate, true, ErrCut)
		return ErrBitrate
	}
	if kind != flv.KindHeader { // the timestamps of headers are arbitrary
		p.keepPace(crowded, t.Type, at, now, cost)
	}
	return nil
}

// keep stores a header for players that join later. It reports whether it has changed p.headers.
func (p *Publisher) keep(t flv.Tag, m *Message) (changed bool) {
	if p.headers.has(t) {
		return false
	}
	if m.repeated = p.known.has(t); !m.repeated {
		p.known = p.known.without(t.Type)
	}
	p.kept.Keep(t)
	p.headers = &headerSet{tags: slices.Collect(p.kept.All())}
	m.cost += p.headers.cost() + m.size
	return true
}

// publish appends m to the log. changed is true if m has changed p.headers. crowded is stream.crowded after that.
func (p *Publisher) publish(m *Message, changed bool) (crowded bool, err error) {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.err != nil {
		return false, p.err
	}
	if changed {
		p.headers.changed = s.log.end()
	}
	s.headers = p.headers
	s.log.video = s.log.video || m.typ == flv.TagVideo
	s.append(m)
	p.memory.held = s.log.cost
	return s.crowded(), nil
}

// Collect returns a Subscriber for recording. The Subscriber gets everything that this publisher writes from now on, even if it is
// not a key frame, and io.EOF when the publisher has left or has been replaced. NextBatch waits until messages with the given number of
// bytes have arrived, or for d, or less if the log would otherwise drop messages. A message may be used only until the next call of
// NextBatch.
func (p *Publisher) Collect(bytes int, d time.Duration) *Subscriber {
	sub := newSubscriber(nil)
	sub.stream, sub.since, sub.aside = p.stream, time.Now(), true
	sub.collector = newCollector(bytes, d, &p.options.Policy)
	sub.left, sub.err = true, io.EOF
	p.locked(func() {
		sub.left, sub.err = false, nil
		sub.cursor = cursor{next: p.stream.log.end(), fresh: true, only: p.publication}
		sub.position.Store(sub.cursor.next)
		p.stream.recorders = append(p.stream.recorders, sub)
		p.stream.hub.members[sub] = struct{}{}
	})
	return sub
}

// Err returns the reason for which the hub has ended the publisher, ErrClosed after Close, or nil while the publication continues.
func (p *Publisher) Err() error {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.err
}

// Watched reports whether the stream has players, or Subscribers that are not recorders.
func (p *Publisher) Watched() bool {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.stream.players > 0
}

// Stats returns the stream's counters, of which Info, Since and BytesIn are those of this publisher.
func (p *Publisher) Stats() StreamStats {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.stream.stats(p, p.stream.traffic())
}

// Close ends the publication. The stream stays for its players for Policy.Linger. Close may be called more than once.
func (p *Publisher) Close() { p.end(ErrClosed, false, nil) }

// Abandon is like Close, but for a publisher that was lost before it has ended its stream. If no other publisher continues the stream, its
// players end with ErrCut, unless its media says that it is over.
func (p *Publisher) Abandon() { p.end(ErrClosed, false, p.cut()) }

// cut returns ErrCut or, if the end of a sequence was the last that the publisher has sent, nil: nothing is missing then. Some servers, such
// as nginx-rtmp, close the connection without a command when a stream that they push to another server ends. But if FFmpeg has published
// the stream to them, it has ended the sequence.
func (p *Publisher) cut() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	return ErrCut
}

// endsSequence reports whether a tag is the end of a sequence (FLV E.4.3.1, E-RTMP v2).
func endsSequence(t flv.Tag) bool {
	const longest = 64 // bytes; it has no data
	if len(t.Body) > longest {
		return false
	}
	if t.Type == flv.TagVideo {
		h, err := flv.ParseVideoHeader(t.Body)
		return err == nil && h.PacketType == flv.VideoSequenceEnd
	}
	h, err := flv.ParseAudioHeader(t.Body)
	return err == nil && h.Enhanced && h.PacketType == flv.AudioSequenceEnd
}
