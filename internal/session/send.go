package session

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

// Send writes the pending replies and messages with one system call. Media that was queued before the call is sent first. If ctx is done
// before the write begins, nothing is sent. If ctx is done during the write, the rest must be written within writeGrace. Otherwise the
// connection ends, since a part of a chunk may have been sent.
func (w *writer) Send(ctx context.Context, messages ...chunk.Outgoing) error {
	if err := w.afterMedia(ctx); err != nil {
		return err
	}
	return w.send(purpose{ctx: ctx, replies: len(messages) == 0}, messages...)
}

// SendInOrder is like Send, but calls begin before it encodes messages. If begin returns an error, SendInOrder sends nothing and returns that
// error. begin is called with the write lock held, so concurrent calls of begin happen in the order in which the messages are sent.
func (w *writer) SendInOrder(ctx context.Context, begin func() error, messages ...chunk.Outgoing) error {
	if err := w.afterMedia(ctx); err != nil {
		return err
	}
	p := purpose{ctx: ctx}
	if err := w.acquire(p); err != nil {
		return err
	}
	defer w.release()
	if err := begin(); err != nil {
		return err
	}
	return w.sendLocked(p, messages...)
}

// SendBy is like Send, with a deadline.
func (w *writer) SendBy(deadline time.Time, messages ...chunk.Outgoing) error {
	return w.send(purpose{who: until(deadline), replies: len(messages) == 0}, messages...)
}

// SendReply is like Send, for an answer, but has no limit of its own. If the answer can't be sent, the connection stays alive as long as it
// can be read.
func (w *writer) SendReply(messages ...chunk.Outgoing) error {
	return w.send(purpose{replies: true}, messages...)
}

// Post is like Send, for a message whose sender waits for an answer. An error after Post has returned ends the Session. If a write is in
// progress, Post leaves the message to that write and returns, so that one system call sends the messages of many goroutines. If gather is
// true, Post lets other goroutines run before it writes, since they may be about to post. Post keeps o.Body.
func (w *writer) Post(ctx context.Context, gather bool, o chunk.Outgoing) error {
	if err := w.afterMedia(ctx); err != nil {
		return err
	}
	p := purpose{ctx: ctx}
	if !gather && w.lock.try() {
		err := w.allow(p)
		if err == nil {
			err = w.sendLocked(p, o)
		}
		w.release()
		return err
	}
	if _, err := p.limit(); err != nil {
		return err
	}
	if err := w.life.Err(); err != nil {
		return err
	}
	if !w.replies.post(o) {
		return w.send(p, o)
	}
	if gather {
		if w.gathering.Swap(true) {
			return nil
		}
		runtime.Gosched()
		w.gathering.Store(false)
	}
	w.FlushReplies()
	return nil
}

func (w *writer) send(p purpose, messages ...chunk.Outgoing) error {
	if err := w.acquire(p); err != nil {
		return err
	}
	defer w.release()
	return w.sendLocked(p, messages...)
}

// sendLocked writes messages. The caller holds the lock.
func (w *writer) sendLocked(p purpose, messages ...chunk.Outgoing) error {
	fatal, err := w.put(p, messages...)
	if fatal {
		return w.fail(err)
	}
	return err
}

// put is sendLocked, but leaves it to the caller to end the Session if the error is fatal.
func (w *writer) put(p purpose, messages ...chunk.Outgoing) (fatal bool, _ error) {
	w.startWrite()
	p.replies = p.replies && !w.posted
	var refused error // the error of a message that cannot be encoded; the messages before it are still written
	for i := range messages {
		if w.buf, refused = w.encode(w.buf, &messages[i]); refused != nil {
			break
		}
	}
	switch err := w.flush(p, keepWriteBuffer); {
	case err == nil:
		return false, refused
	case p.replies && !(w.config.Progress && errors.Is(err, os.ErrDeadlineExceeded)): // the Session can still read
		return false, err
	default:
		return true, err
	}
}
