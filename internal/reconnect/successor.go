package reconnect

import (
	"context"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	// minOverlap is how much media Begin reads after the first, in ms. Meanwhile, what the old server has sent before that arrives.
	minOverlap = 500
	// maxFirst bounds what Begin reads, in bytes, which the caller keeps.
	maxFirst = 32 << 20
	// TagSize is what a tag or packet that is kept takes besides its body, in bytes.
	TagSize = 128
)

// Successor is the next connection of a live stream whose server has asked to reconnect. It is made while the old connection is still being
// read, which ends when the new one can continue the stream, so that nothing is missing in between. T is the type of the connection.
type Successor[T any] struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	conn   T             // may be used when done is closed
	ok     bool          // there is a conn

	mu     sync.Mutex         // guards giveUp
	giveUp context.CancelFunc // ends the attempt in progress; nil before the first
}

// Succeed begins to connect with open after wait. If open returns false, Succeed tries again after a [Delay] of first and longest, until Take is
// called. When open has returned a connection, Succeed calls ready.
func Succeed[T any](ctx context.Context, wait, first, longest time.Duration, open func(context.Context) (T, bool), ready func()) *Successor[T] {
	ctx, cancel := context.WithCancel(ctx)
	s := &Successor[T]{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer func() {
			if close(s.done); s.ok {
				ready()
			}
		}()
		for failed := 0; Sleep(ctx, wait) == nil; failed++ {
			if s.conn, s.ok = s.attempt(ctx, open); s.ok {
				return
			}
			wait = Delay(first, longest, failed)
		}
	}()
	return s
}

func (s *Successor[T]) attempt(ctx context.Context, open func(context.Context) (T, bool)) (T, bool) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	s.mu.Lock()
	s.giveUp = giveUp
	s.mu.Unlock()
	return open(ctx)
}

// Retry ends the context of the call of open that is in progress, if there is one, since another destination is better now. Further attempts
// wait longer and longer, however often Retry is called.
func (s *Successor[T]) Retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.giveUp != nil {
		s.giveUp()
	}
}

// Ready reports whether Take returns a connection without ending open.
func (s *Successor[T]) Ready() bool {
	select {
	case <-s.done:
		return s.ok
	default:
		return false
	}
}

// Take ends the context of open. It returns the connection, which the caller must close; ok is false if there is none yet.
func (s *Successor[T]) Take() (conn T, ok bool) {
	s.cancel()
	<-s.done
	return s.conn, s.ok
}

// Begin reads a new connection with next until the stream can be continued with it: at a key frame or, if video is false, at any frame.
// Servers may send headers and audio long before that. Errors of next after that are ignored, since the next read returns them again.
func Begin(next func(*flv.Tag) error, video bool) error {
	var tag flv.Tag
	found, at, size := false, uint32(0), 0
	for size < maxFirst && !(found && int32(tag.Timestamp-at) >= minOverlap) {
		if err := next(&tag); err != nil {
			if found {
				break
			}
			return err
		}
		size += TagSize + len(tag.Body)
		kind, _ := flv.KindOf(tag)
		if !found && (kind == flv.KindKeyFrame || !video && (kind == flv.KindFrame || kind == flv.KindAudio)) {
			found, at = true, tag.Timestamp
		}
	}
	return nil
}
