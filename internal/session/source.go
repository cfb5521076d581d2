package session

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// source reads the socket for the chunk reader. The deadline is that of the holder of the token.
type source struct{ r *reader }

// newSource returns a source, which implements chunk.Vectored if the socket supports that.
func newSource(r *reader) io.Reader {
	v := &vectoredSource{source: source{r}} // in one allocation with its vectorReader
	if v.vector.init(r.life.nc) {
		return v
	}
	return &v.source
}

func (s *source) Read(b []byte) (int, error) {
	for due, ok := s.prepare(); ok; ok = s.r.deadline.rearm(due) {
		if n, err := s.r.life.nc.Read(b); !expired(n, err) {
			s.received(n)
			return n, err
		}
	}
	return 0, os.ErrDeadlineExceeded
}

// prepare prepares a read. due is its deadline. ok is false if the holder of the token was interrupted.
func (s *source) prepare() (due time.Time, ok bool) {
	r := s.r
	r.out.replies.makeUrgent()
	r.out.FlushReplies()
	due = r.holder.due()
	ok = r.deadline.arm(due)
	if r.beforeRead != nil && !r.beforeRead() {
		r.beforeRead = nil
	}
	return due, ok
}

// expired reports whether a deadline has ended a read. That may be an old deadline, so the read is repeated unless its own has passed.
func expired(n int, err error) bool { return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) }

// received counts the bytes of a read.
func (s *source) received(n int) {
	r := s.r
	r.config.Counters.BytesRead.Add(uint64(n))
	r.window.count(n)
	r.takeLimit()
}

type vectoredSource struct {
	source
	vector vectorReader
}

func (s *vectoredSource) ReadVector(v chunk.Vector) (int, error) {
	for due, ok := s.prepare(); ok; ok = s.r.deadline.rearm(due) {
		if n, err := s.vector.read(v); !expired(n, err) {
			s.received(n)
			return n, err
		}
	}
	return 0, os.ErrDeadlineExceeded
}

// place is the chunk.Placer: audio and video may be read to where the holder of the token wants it.
func (r *reader) place(typ uint8, streamID uint32, length int) []byte {
	t := message.Type(typ)
	if r.holder.Taker == nil || r.config.Tap != nil || t != message.TypeVideo && t != message.TypeAudio {
		return nil
	}
	return r.holder.Taker.Place(streamID, length)
}
