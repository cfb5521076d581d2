package media

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// PacketReader is the source of a [Reader], such as a Stream of package rtmp or server. It returns the packets of one stream, and may reuse
// the memory of p.Body.
type PacketReader interface {
	ReadPacket(p *message.Packet) error
}

// Reader reads access units from a stream. Only one goroutine may use it at a time. A stream may have at most 32 tracks, with
// configurations of at most 64 KiB.
type Reader struct {
	src    PacketReader
	demux  demuxer
	packet message.Packet // src may reuse the memory of its Body
	out    []Unit         // units of the last message; the memory of their Parts is reused
	next   int            // index in out of the next unit
	err    error          // error of the last message, returned after the units in out

	probing *probe // nil after Tracks has returned the tracks
	queue   []message.Packet
	srcErr  error // error of src, returned after the packets in the queue
}

// NewReader returns a Reader that reads from src.
func NewReader(src PacketReader) *Reader { return &Reader{src: src} }

// Read reads the next unit into u. u.Parts is valid until the next call. Units before the first configuration of their track are skipped.
//
// After an [*Error], which concerns only one message, Read may be called again. Other errors are those of ReadPacket, which returns io.EOF
// at the end of the stream.
func (r *Reader) Read(u *Unit) error {
	for {
		if r.next < len(r.out) {
			*u = r.out[r.next]
			r.next++
			return nil
		}
		if err := r.err; err != nil {
			r.err = nil
			return err
		}
		p, err := r.nextPacket()
		if err != nil {
			return err
		}
		r.next = 0
		r.out, r.err = r.demux.feed(p, r.out[:0])
	}
}

func (r *Reader) nextPacket() (*message.Packet, error) {
	if len(r.queue) > 0 {
		r.packet = r.queue[0]
		r.queue[0] = message.Packet{}
		if r.queue = r.queue[1:]; len(r.queue) == 0 {
			r.queue = nil
		}
		return &r.packet, nil
	}
	if r.srcErr != nil {
		return nil, r.srcErr
	}
	return &r.packet, r.src.ReadPacket(&r.packet)
}

// Tracks returns the tracks of the stream in the order in which they appeared. It reads packets until it knows the tracks: normally a few
// packets, at most 8 MiB of packets and, once a track is known, ten seconds of the stream. Read returns the units of these packets later.
//
// The Tracks belong to the Reader. When the stream changes, it modifies them and sets Changed in the next unit. A track that appears later
// is returned with its first unit, and by the next call of Tracks.
//
// Tracks also returns when ctx is done: at once if src has a method Bind, as Streams have, and otherwise after the next packet. It may then
// be called again. If the stream ends without a track, the error is an [*Error] that wraps io.EOF.
func (r *Reader) Tracks(ctx context.Context) ([]*Track, error) {
	if tracks := r.demux.known(); len(tracks) > 0 {
		return tracks, nil
	}
	if r.probing == nil {
		r.probing = new(probe)
	}
	if b, ok := r.src.(interface {
		Bind(ctx context.Context) (release func())
	}); ok {
		defer b.Bind(ctx)()
	}
	for r.srcErr == nil && !r.probing.done() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("media: tracks: %w", err)
		}
		var p message.Packet // its memory must not be shared, since the queue keeps it
		switch err := r.src.ReadPacket(&p); err {
		case nil:
			r.queue = append(r.queue, p)
			r.probing.add(&p)
		case io.EOF:
			r.srcErr = err
		default:
			return nil, err
		}
	}
	found := r.probing
	if tracks := found.demux.known(); len(tracks) == 0 {
		if found.err == nil {
			found.err = &Error{Where: "tracks", Detail: "none of them can be decoded", Err: r.srcErr}
		}
		return nil, found.err
	}
	r.probing = nil
	r.demux.announce(&found.demux)
	return r.demux.known(), nil
}

const (
	probeBytes   = 8 << 20
	probeTime    = 2 * time.Second  // stream time to wait for tracks that have not appeared
	probeTimeMax = 10 * time.Second // stream time to wait for the configuration of a track that has appeared
	packetMemory = 64               // memory of a packet in addition to its body, in bytes
)

type probe struct {
	demux  demuxer
	out    []Unit
	bytes  int
	frames bool // a frame has been read
	first  time.Duration
	err    error // last error in the stream's data
}

func (p *probe) add(packet *message.Packet) {
	p.demux.frozen = true
	p.bytes += packetMemory + cap(packet.Body)
	var err error
	if p.out, err = p.demux.feed(packet, p.out[:0]); err != nil {
		p.err = err
	}
	if !p.frames && p.demux.frames {
		p.frames, p.first = true, p.demux.now
	}
}

// done reports whether all tracks are known. Configurations come before the first frame of any track.
func (p *probe) done() bool {
	switch {
	case p.bytes > probeBytes:
		return true
	case !p.frames:
		return false
	}
	known, passed := len(p.demux.known()), p.demux.now-p.first
	switch {
	case known == 0:
		return false
	case passed >= probeTimeMax:
		return true
	case known < len(p.demux.states):
		return false
	}
	return passed >= probeTime || p.demux.complete()
}

func (d *demuxer) known() []*Track {
	var tracks []*Track
	for _, s := range d.states {
		if s.known || s.announced {
			tracks = append(tracks, s.track)
		}
	}
	return tracks
}

// announce adds the tracks that a probe has found. Read sets their other properties again from the queue.
func (d *demuxer) announce(found *demuxer) {
	d.states = d.states[:0]
	for _, s := range found.states {
		if s.known {
			found.hint.complete(s.track)
			d.states = append(d.states, &state{video: s.video, track: s.track, announced: true})
		}
	}
}
