package media

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// PacketReader is what a [Reader] reads from: a Stream of package rtmp or server, or anything else with the packets of one stream.
// ReadPacket may put the body into the memory of the packet before.
type PacketReader interface {
	ReadPacket(p *message.Packet) error
}

// Reader takes access units out of a stream. One goroutine at a time may use it.
//
// What a peer can send makes it neither panic nor grow: a stream may have 32 tracks with configurations of 64 KiB.
type Reader struct {
	src    PacketReader
	demux  demuxer
	packet message.Packet // memory that src reuses
	out    []Unit         // of the message read last; the memory of their Parts is reused
	next   int            // in out
	err    error          // of that message: told after out

	probing *probe // until Tracks has returned them
	queue   []message.Packet
	srcErr  error // what src returned after the queue
}

// NewReader returns a Reader of src.
func NewReader(src PacketReader) *Reader { return &Reader{src: src} }

// Read reads the next unit. What u.Parts holds is valid until the next call.
//
// Units that come before the configuration of their track are left out. An [*Error] is about one message: Read may be called again.
// Other errors are those of ReadPacket, io.EOF at the end of a stream.
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

// nextPacket returns what Tracks has read, then what src reads.
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

// Tracks returns the tracks of the stream, in the order in which they came. It reads until they are known, which metadata, their
// configurations and the first pictures tell: normally a few packets, at most 8 MiB of them, and ten seconds of the stream once one track is
// known. Read returns their units afterwards.
//
// The Tracks stay the Reader's: it changes them when the stream does, and sets Changed in the first unit after that. A track that comes
// later is announced by its first unit, and returned by the next call.
//
// ctx ends the wait, after which Tracks may be called again, if src has a method Bind, as Streams do, and otherwise between two packets.
// A stream that ends without a track is an [*Error] that wraps io.EOF.
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
		var p message.Packet // with memory of its own, which the queue keeps
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
			found.err = &Error{Where: "tracks", Detail: "the stream has none that can be decoded", Err: r.srcErr}
		}
		return nil, found.err
	}
	r.probing = nil
	r.demux.announce(&found.demux)
	return r.demux.known(), nil
}

// What Tracks reads at most.
const (
	probeBytes   = 8 << 20
	probeTime    = 2 * time.Second  // of the stream: for tracks that have shown nothing of themselves
	probeTimeMax = 10 * time.Second // for the configuration of tracks that have
	packetMemory = 64               // bytes of a packet besides its body
)

// probe reads packets until it knows the tracks.
type probe struct {
	demux  demuxer
	out    []Unit
	bytes  int
	frames bool // there was one
	first  time.Duration
	err    error // the last that the stream has made
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

// done reports whether nothing more is to be expected. Configurations come before the first frame of any track.
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

// known returns the tracks that can be decoded.
func (d *demuxer) known() []*Track {
	var tracks []*Track
	for _, s := range d.states {
		if s.known || s.announced {
			tracks = append(tracks, s.track)
		}
	}
	return tracks
}

// announce takes over the tracks that a probe has found. The packets tell once more what they are.
func (d *demuxer) announce(found *demuxer) {
	d.states = d.states[:0]
	for _, s := range found.states {
		if s.known {
			found.hint.complete(s.track)
			d.states = append(d.states, &state{video: s.video, track: s.track, announced: true})
		}
	}
}
