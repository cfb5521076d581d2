package session

import "github.com/go-librtmp/rtmp/chunk"

const (
	// gatherSize is the number of bytes that are gathered for one system call.
	gatherSize = 128 << 10
	// keepBatchBuffer is the size of the largest buffer that a connection keeps between batches, in bytes.
	keepBatchBuffer = 2 * gatherSize
)

// Batch gathers messages in the connection's write buffer. Its owner holds the write lock from Begin to End.
type Batch struct {
	w   *writer
	p   purpose
	err error // error of the connection
}

// Begin takes the write lock for who. If who is nil, the write has no limit.
func (w *writer) Begin(who Writer) (Batch, error) {
	p := purpose{who: who}
	return Batch{w: w, p: p}, w.acquire(p)
}

// Add encodes o, and writes if enough has been gathered. If Add fails, messages that were added before are still sent.
func (b *Batch) Add(o *chunk.Outgoing) (err error) {
	w := b.w
	if len(w.buf) == 0 {
		w.begin()
	}
	if w.buf, err = w.encode(w.buf, o); err != nil {
		return err
	}
	return b.added()
}

// Append lets encode append arbitrary bytes, even without the chunk writer. It is for test servers.
func (b *Batch) Append(encode func(dst []byte, w *chunk.Writer) ([]byte, error)) error {
	w := b.w
	if len(w.buf) == 0 {
		w.begin()
	}
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
	if b.err = b.w.flush(b.p, keepBatchBuffer); b.err != nil {
		return b.err
	}
	_, err := b.p.limit() // Only here can the write be stopped without ending the connection, since everything that was encoded has been sent.
	return err
}

// End writes the rest and releases the lock. It returns err or, if the connection has ended, the error of the connection.
func (b *Batch) End(err error) error {
	defer b.w.release()
	if b.err == nil {
		b.err = b.w.flush(b.p, keepBatchBuffer)
	}
	if b.err != nil {
		return b.w.life.Fail(b.err)
	}
	return err
}
