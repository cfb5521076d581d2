package session

import (
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// gatherSize is the number of bytes that are gathered for one system call. Twice what Stream.ReadFrom reads at a time leaves room for
	// headers, so that each read becomes one write. With 128 KiB, publishing faster than in real time costs a quarter more.
	gatherSize = 512 << 10
	// keepBatchBuffer is the size of the largest buffer that a connection keeps between batches, in bytes.
	keepBatchBuffer = gatherSize
)

// Batch gathers messages in the connection's write buffer. Its owner holds the write lock from Begin to End.
type Batch struct {
	w   *writer
	p   purpose
	err error // error of the connection

	started bool // the replies that were pending before the first message have been encoded
	now     bool // made by tryBegin
	full    bool // the socket has not accepted everything
}

// Begin takes the write lock for who. If who is nil, the write has no limit.
func (w *writer) Begin(who Writer) (Batch, error) {
	p := purpose{who: who}
	return Batch{w: w, p: p}, w.acquire(p)
}

// tryBegin is like Begin, but does not wait. The writes of the batch do not block: bytes that the socket does not accept stay in the write
// buffer.
func (w *writer) tryBegin() (Batch, bool) {
	return Batch{w: w, now: true}, w.acquireNow()
}

// Add encodes o, and writes to the socket when gatherSize bytes have been gathered. If Add fails, messages that were added before are still
// sent.
func (b *Batch) Add(o *chunk.Outgoing) (err error) {
	w := b.w
	b.prepare()
	if len(o.Body) >= gatherSize && message.Type(o.Type) != message.TypeSetChunkSize {
		b.p.began = time.Now()
		if err = b.addPieces(o); err == nil {
			err = b.writeAll()
		}
		b.p.began = time.Time{}
		return err
	}
	if w.buf, err = w.encode(w.buf, o); err != nil {
		return err
	}
	return b.added()
}

// prepare prepares the write buffer for a message.
func (b *Batch) prepare() {
	if !b.started || len(b.w.buf) == 0 {
		b.w.startWrite()
		b.started = true
	}
}

// addPieces encodes o, and writes all of it except the last piece, so that the write buffer stays small enough for the processor's cache.
func (b *Batch) addPieces(o *chunk.Outgoing) error {
	w := b.w
	buf, h, err := w.chunks.AppendHeader(w.buf, o)
	if err != nil {
		return err
	}
	w.buf = buf
	size := w.chunks.ChunkSize()
	for body, left := o.Body, size; ; { // left is the rest of the chunk
		n := min(len(body), left, gatherSize)
		w.buf = append(w.buf, body[:n]...)
		if body, left = body[n:], left-n; len(body) == 0 {
			break
		}
		if left == 0 {
			w.buf, left = h.AppendContinuation(w.buf), size
		}
		if len(w.buf) >= gatherSize {
			if err := b.write(); err != nil {
				return err
			}
			w.getBuffer()
		}
	}
	if w.config.Sent != nil {
		w.config.Sent(*o)
	}
	return nil
}

// Append lets encode append arbitrary bytes, with or without the chunk writer. It is for test servers.
func (b *Batch) Append(encode func(dst []byte, w *chunk.Writer) ([]byte, error)) error {
	w := b.w
	b.prepare()
	buf, err := encode(w.buf, w.chunks)
	if err != nil {
		return err
	}
	w.buf = buf
	return b.added()
}

func (b *Batch) added() error {
	if len(b.w.buf) < gatherSize {
		return nil
	}
	return b.writeAll()
}

// writeAll writes what has been gathered, which ends with a whole message.
func (b *Batch) writeAll() error {
	if err := b.write(); err != nil {
		return err
	}
	_, err := b.p.limit() // this is the only place where a write can stop without ending the connection: all encoded messages have been sent
	return err
}

// write writes what has been gathered.
func (b *Batch) write() error {
	if b.now {
		if len(b.w.buf) > 0 && !b.full {
			b.full = !b.w.offer(keepBatchBuffer)
			b.w.posted = b.full
		}
		return nil
	}
	b.err = b.w.flush(b.p, keepBatchBuffer)
	return b.err
}

// End writes the gathered bytes and releases the lock. It returns err or, if the connection has ended, the error of the connection.
func (b *Batch) End(err error) error {
	defer b.w.release()
	return b.finish(err)
}

// finish is End without releasing the lock.
func (b *Batch) finish(err error) error {
	if b.err == nil {
		b.write()
	}
	if b.err != nil {
		return b.w.fail(b.err)
	}
	return err
}
