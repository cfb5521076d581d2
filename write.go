package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// maxReplies bounds the replies that wait for a writer. A peer that sends pings faster than it reads our answers
	// loses answers, not the connection.
	maxReplies = 1024
	// keepWriteBuffer is the largest write buffer kept between writes, in bytes.
	keepWriteBuffer = 64 << 10
)

var errTooManyReplies = errors.New("more replies wait than the peer reads")

// writeSide owns the direction to the server. The reader never waits for the peer to read: what it has to answer goes to
// pending. The next writer takes it along; else the reader gives the socket what it takes without waiting, and a flusher
// that is started for it writes the rest.
type writeSide struct {
	lock   chan struct{} // one slot: the right to encode and write. Ordinary mutexes can't be waited for with a context
	chunks *chunk.Writer // owned by the holder of lock
	buf    []byte        // owned by the holder of lock
	err    error         // owned by the holder of lock: the first failed write
	unsent []byte        // owned by the holder of lock: what the socket did not take without waiting
	try    *tryWriter    // owned by the holder of lock; nil: there is no such thing here
	armed  time.Time     // owned by the holder of lock: the socket's write deadline
	due    atomic.Bool   // replies wait

	mu       sync.Mutex // guards the rest
	pending  []chunk.Outgoing
	ackDue   bool
	ack      uint32 // only the newest Acknowledgement says anything
	flushing bool   // a flusher runs
	dropped  uint64 // pings left unanswered
	written  uint64 // bytes
}

func newWriteSide() writeSide {
	return writeSide{lock: make(chan struct{}, 1), chunks: chunk.NewWriter()}
}

// send writes messages with one system call, pending replies first. ctx ending before the write begins leaves the
// connection as it was; ending in mid-write it is final, since half a chunk may be out.
func (c *Conn) send(ctx context.Context, messages ...chunk.Outgoing) error {
	select {
	case c.out.lock <- struct{}{}:
		defer func() { <-c.out.lock }()
	case <-ctx.Done():
		return fmt.Errorf("rtmp: write: %w", ctx.Err())
	case <-c.done:
		return c.Err()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rtmp: write: %w", err)
	}
	if err := c.write(ctx, messages); c.out.err == nil {
		return err
	}
	if len(messages) == 0 {
		// Only replies are lost: what the server sent before it hung up can still be read.
		return c.out.err
	}
	return c.fail(c.out.err)
}

// write is send for the holder of the lock.
func (c *Conn) write(ctx context.Context, messages []chunk.Outgoing) error {
	w := &c.out
	if err := c.Err(); err != nil {
		return err
	}
	if w.err != nil {
		return w.err
	}
	buf := w.takeReplies(append(w.buf[:0], w.unsent...))
	w.unsent = nil
	var refused error // a message that can't be encoded keeps those before it from being lost
	for i := range messages {
		if buf, refused = w.chunks.AppendMessage(buf, &messages[i]); refused != nil {
			break
		}
	}
	if cap(buf) <= keepWriteBuffer {
		w.buf = buf
	}
	if len(buf) == 0 {
		return refused
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.nc.SetWriteDeadline(past) }) // which writeAll undoes when it is late
		defer stop()
	}
	if err := c.writeAll(ctx, buf); err != nil {
		w.err = c.writeError(ctx, err)
		return w.err
	}
	return refused
}

// writeAll writes b within Options.Timeout. The socket's deadline is moved only when it is the one that ends a write:
// moving it for each write costs more than many a write.
func (c *Conn) writeAll(ctx context.Context, b []byte) error {
	w := &c.out
	var due time.Time
	if c.opts.Timeout > 0 {
		due = time.Now().Add(c.opts.Timeout)
		if w.armed.IsZero() {
			w.armed = due
			c.nc.SetWriteDeadline(due)
		}
	}
	for {
		n, err := c.nc.Write(b)
		w.mu.Lock()
		w.written += uint64(n)
		w.mu.Unlock()
		b = b[n:]
		if err == nil {
			return nil
		}
		expired := !due.IsZero() && !time.Now().Before(due)
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil || expired {
			return err
		}
		w.armed = due
		c.nc.SetWriteDeadline(due)
	}
}

func (c *Conn) writeError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("rtmp: write: %w", ctx.Err())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &timeoutError{what: "write"}
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("rtmp: write: %w", err)
	}
	return &lostError{what: "write", cause: err}
}

// takeReplies encodes what the reader left. The chunk writer can't refuse it: the library made it.
func (w *writeSide) takeReplies(buf []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ackDue {
		w.ackDue = false
		o := control(message.TypeAcknowledgement, binary.BigEndian.AppendUint32(nil, w.ack))
		buf, _ = w.chunks.AppendMessage(buf, &o)
	}
	for i := range w.pending {
		buf, _ = w.chunks.AppendMessage(buf, &w.pending[i])
	}
	clear(w.pending)
	w.pending = w.pending[:0]
	w.due.Store(false)
	return buf
}

// flushReplies sends what the reader left, without waiting for anything.
func (c *Conn) flushReplies() {
	w := &c.out
	if !w.due.Load() {
		return
	}
	select {
	case w.lock <- struct{}{}:
		done := c.writeNow()
		<-w.lock
		if done {
			return
		}
	default: // its holder may have taken the replies before the last came
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.flushing {
		w.flushing = c.own(c.flush)
	}
}

// writeNow gives the socket what it takes. It reports whether that was all. The caller holds the lock.
func (c *Conn) writeNow() bool {
	w := &c.out
	if w.try == nil || w.err != nil || len(w.unsent) > 0 {
		return false
	}
	w.buf = w.takeReplies(w.buf[:0])
	n := w.try.write(w.buf)
	w.mu.Lock()
	w.written += uint64(n)
	w.mu.Unlock()
	w.unsent = append(w.unsent, w.buf[n:]...)
	return len(w.unsent) == 0
}

// reply leaves a message for the next writer, or flushReplies. Called by the reader, so it never blocks.
func (c *Conn) reply(o chunk.Outgoing) error {
	w := &c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) >= maxReplies {
		if message.Type(o.Type) != message.TypeUserControl {
			return errTooManyReplies
		}
		w.dropped++
		return nil
	}
	w.pending = append(w.pending, o)
	w.due.Store(true)
	return nil
}

// acknowledge leaves an Acknowledgement, replacing one that has not left yet.
func (c *Conn) acknowledge(received uint64) {
	w := &c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ackDue, w.ack = true, uint32(received)
	w.due.Store(true)
}

func (c *Conn) flush() {
	w := &c.out
	for c.send(context.Background()) == nil {
		w.mu.Lock()
		if !w.due.Load() {
			w.flushing = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

// Chunk streams of our messages: what librtmp uses, for servers that look.
const (
	csControl = 2
	csCommand = 3
	csMedia   = 4
	csVideo   = 6
	csStream  = 8 // play, pause, seek
)

// control makes a protocol control or user control message (message stream 0, timestamp ignored).
func control(t message.Type, body []byte) chunk.Outgoing {
	return chunk.Outgoing{Type: uint8(t), ChunkStreamID: csControl, Format: chunk.Format3, Body: body}
}

// command makes a command message. It fails only for arguments that AMF can't express.
func command(chunkStreamID, streamID uint32, cmd *message.Command) (chunk.Outgoing, error) {
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, cmd)
	if err != nil {
		return chunk.Outgoing{}, fmt.Errorf("rtmp: %s: %w", cmd.Name, err)
	}
	return chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: chunkStreamID, StreamID: streamID,
		Format: chunk.Format3, Body: body}, nil
}
