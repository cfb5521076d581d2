package capture

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/capturefile"
	"github.com/go-librtmp/rtmp/message"
)

// Replay controls how a session is replayed. The zero value replays as fast as the peer allows.
type Replay struct {
	// Speed is the speed of the replay relative to the recording. 0 means as fast as the peer reads.
	Speed float64
	// Patience is how long the replay waits for a message without which it can't continue. 0 means 10 seconds.
	Patience time.Duration
	// Step, if not nil, is called before each message is sent. An error ends the replay.
	Step func(ctx context.Context, m *Message) error
	// Received, if not nil, is called with each message of the peer, on the goroutine that reads. m.At is the time since the end of the
	// handshake. m is valid only during the call.
	Received func(m *Message)
}

const (
	defaultPatience = 10 * time.Second
	// sendSize is the number of bytes that are collected for one write.
	sendSize = 64 << 10
	// extraChunkStream is the id of the chunk stream for messages that are not in the recording.
	extraChunkStream = 62
	// maxExtras is the maximum number of queued messages that are not in the recording.
	maxExtras = 1000
)

// role is what differs between a replay as server and one as client. Its methods except edit and header are called with replay.mu held.
type role interface {
	// received handles a message of the peer.
	received(m *Message)
	// recorded handles a recorded message of the peer, on which later messages may depend.
	recorded(m *Message)
	// ready reports whether a recorded message may be sent now. The error says why it can never be sent. p is the first piece of the
	// message, or nil at the end of the recording.
	ready(p *chunk.Piece, ordinal int) (bool, error)
	// timedOut is called when the replay has waited for Patience. It reports whether the replay may continue.
	timedOut() bool
	// edit changes a recorded message in place.
	edit(m *capturefile.Message, ordinal int)
	// header changes a chunk header in place.
	header(b []byte)
}

type replay struct {
	*Replay
	role   role
	nc     net.Conn
	own    Direction
	filter capturefile.Filter
	out    []byte
	began  time.Time

	sync, syncAt time.Duration // the same moment as a time of the recording, and as a time since began
	peerAt       time.Duration // time of the peer's last message in the recording
	completing   int           // ordinal of the message that the current piece completes
	chunkSize    int           // chunk size in effect after the bytes sent so far

	mu      sync.Mutex    // guards the fields below and the role's state
	change  chan struct{} // signalled when the peer has sent a message
	extras  [][]byte      // bodies of commands and ping responses that are not in the recording
	peerEnd error         // why the peer's direction has ended

	received, recorded int // number of messages of the peer: received now, and in the recording so far
}

func (r *replay) run(ctx context.Context, s *Session) error {
	r.change, r.began, r.chunkSize = make(chan struct{}, 1), time.Now(), chunk.DefaultChunkSize
	r.filter = capturefile.Filter{
		Holds: func(t message.Type) bool {
			return t == message.TypeCommandAMF0 || t == message.TypeCommandAMF3 || t == message.TypeUserControl
		},
		Edit: func(m *capturefile.Message) { r.role.edit(m, r.completing) },
		Emit: func(b []byte) { r.out = append(r.out, b...) },
	}
	stop := context.AfterFunc(ctx, func() { r.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var reading sync.WaitGroup
	reading.Go(r.read)
	err := r.play(ctx, s)
	if err == nil {
		err = r.flush()
	}
	if err == nil {
		err = r.leave(ctx, s.end.ClosedBy)
	}
	r.nc.Close()
	reading.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// play sends the recorded bytes at their times.
func (r *replay) play(ctx context.Context, s *Session) error {
	in := s.Reader()
	var m Message
	for {
		err := in.raw.Next(&in.part)
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			r.filter.Close()
			return nil
		case err != nil:
			return err
		}
		way, own := &in.directions[in.part.From-1], in.part.From == r.own
		for at := in.part.At; len(in.part.Data) > 0; {
			before := in.part.Data
			got, err := way.next(&in.part, &m)
			if err != nil {
				return err
			}
			piece := before[:len(before)-len(in.part.Data)]
			switch {
			case own:
				if !got {
					m.ordinal = way.begun
				}
				err = r.send(ctx, piece, at, &way.piece, got, &m)
				r.chunkSize = way.scan.ChunkSize()
			case got:
				r.mu.Lock()
				r.recorded++
				r.peerAt = at
				r.role.recorded(&m)
				r.mu.Unlock()
			}
			if err != nil {
				return err
			}
		}
	}
}

func (r *replay) send(ctx context.Context, b []byte, at time.Duration, p *chunk.Piece, got bool, m *Message) error {
	if p.First {
		if err := r.await(ctx, p, m.ordinal); err != nil {
			return err
		}
		if err := r.pace(ctx, at); err != nil {
			return err
		}
	}
	if p.Header != nil {
		r.role.header(b)
	}
	if got && r.Step != nil {
		if err := r.flush(); err != nil {
			return err
		}
		if err := r.Step(ctx, m); err != nil {
			return err
		}
	}
	r.completing = m.ordinal
	r.filter.Write(b)
	if len(r.out) >= sendSize {
		return r.flush()
	}
	return nil
}

// await sends the extras until the message that begins with p may be sent. p is nil at the end of the recording.
func (r *replay) await(ctx context.Context, p *chunk.Piece, ordinal int) error {
	var timeout *time.Timer
	for {
		r.mu.Lock()
		ready, err := r.role.ready(p, ordinal)
		gone, extras := r.peerEnd, r.extras
		r.extras = nil
		r.mu.Unlock()
		if err != nil {
			return err
		}
		r.insert(extras)
		switch {
		case ready:
			if timeout != nil { // the replay has waited for the peer, so the times of the recording now count from here
				r.sync, r.syncAt = r.peerAt, time.Since(r.began)
			}
			return nil
		case gone != nil:
			return fmt.Errorf("capture: the %v has left: %w", 3-r.own, gone)
		}
		if err := r.flush(); err != nil {
			return err
		}
		if timeout == nil {
			timeout = time.NewTimer(r.patience())
			defer timeout.Stop()
		}
		select {
		case <-r.change:
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			r.mu.Lock()
			goOn := r.role.timedOut()
			r.mu.Unlock()
			if goOn {
				timeout.Reset(r.patience())
				continue
			}
			return fmt.Errorf("capture: the %v has not sent what the recording needs to continue, for %v", 3-r.own, r.patience())
		}
	}
}

func (r *replay) patience() time.Duration {
	if r.Patience > 0 {
		return r.Patience
	}
	return defaultPatience
}

// pace waits until bytes with a time in the recording are due.
func (r *replay) pace(ctx context.Context, at time.Duration) error {
	if r.Speed <= 0 {
		return nil
	}
	now := time.Since(r.began)
	wait := r.syncAt + time.Duration(float64(at-r.sync)/r.Speed) - now
	if wait <= 0 {
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// insert appends messages that are not in the recording. They have full headers and their own chunk stream.
func (r *replay) insert(bodies [][]byte) {
	for _, body := range bodies {
		w := chunk.NewWriter()
		w.AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeSetChunkSize), ChunkStreamID: extraChunkStream,
			Body: binary.BigEndian.AppendUint32(nil, uint32(r.chunkSize))}) // the peer already uses this chunk size
		o := chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: extraChunkStream, Body: body}
		if body[0] == 0 { // a user control message, since a command begins with the marker of a string
			o.Type = uint8(message.TypeUserControl)
		}
		r.out, _ = w.AppendMessage(r.out, &o) // a new Writer begins with a full header
	}
}

func (r *replay) flush() error {
	if len(r.out) == 0 {
		return nil
	}
	_, err := r.nc.Write(r.out)
	r.out = r.out[:0]
	if err != nil {
		return fmt.Errorf("capture: write: %w", err)
	}
	return nil
}

func (r *replay) read() {
	in := chunk.NewReader(r.nc, 0)
	var c chunk.Message
	for {
		err := in.Next(&c)
		r.mu.Lock()
		if err == nil {
			m := Message{From: 3 - r.own, At: time.Since(r.began), Packet: message.Packet{Type: message.Type(c.Type), Format: c.Format,
				ChunkStreamID: c.ChunkStreamID, Timestamp: c.Timestamp, StreamID: c.StreamID, Absolute: true, Body: c.Body()}}
			r.received++
			r.pong(&m)
			r.role.received(&m)
			if r.Received != nil {
				r.Received(&m)
			}
		} else {
			r.peerEnd = err
		}
		r.mu.Unlock()
		select {
		case r.change <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (r *replay) pong(m *Message) {
	if m.Type != message.TypeUserControl {
		return
	}
	if e, err := message.ParseUserControl(m.Body); err == nil && e.Event == message.EventPingRequest {
		r.extra(message.AppendUserControl(nil, message.EventPingResponse, e.Value))
	}
}

func (r *replay) extra(body []byte) {
	if len(r.extras) < maxExtras {
		r.extras = append(r.extras, body)
	}
}

// leave ends the connection after the end of the recording. It reads until the peer ends its direction, or sends nothing for Patience.
func (r *replay) leave(ctx context.Context, closedBy Direction) error {
	if err := r.await(ctx, nil, 0); err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	half, closes := r.nc.(interface{ CloseWrite() error })
	closes = closes && closedBy != 3-r.own && half.CloseWrite() == nil
	timeout := time.NewTimer(r.patience())
	defer timeout.Stop()
	for {
		r.mu.Lock()
		over := r.peerEnd != nil || !closes && closedBy != 3-r.own && r.received >= r.recorded
		r.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-r.change:
			timeout.Reset(r.patience())
		case <-timeout.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// transactionAt returns the position of the 8 bytes of a command's transaction id, or -1 if there is none.
func transactionAt(body []byte) int {
	at := 0
	if len(body) > 0 && body[0] == 0 {
		at = 1
	}
	if len(body) < at+3 || body[at] != 2 {
		return -1
	}
	at += 3 + int(binary.BigEndian.Uint16(body[at+1:]))
	if len(body) < at+9 || body[at] != 0 {
		return -1
	}
	return at + 1
}

func putNumber(b []byte, f float64) { binary.BigEndian.PutUint64(b, math.Float64bits(f)) }
