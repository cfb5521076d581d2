package session

import (
	"errors"
	"io"
	"os"

	"github.com/go-librtmp/rtmp/chunk"
)

// source reads the socket for the chunk reader, within the deadline of the holder of the token.
type source struct{ r *reader }

// newSource returns a source, which implements chunk.Vectored if the socket supports that.
func newSource(r *reader) io.Reader {
	if v := newVectorReader(r.life.nc); v != nil {
		return vectoredSource{source{r}, v}
	}
	return source{r}
}

func (s source) Read(b []byte) (int, error) {
	return s.read(func() (int, error) { return s.r.life.nc.Read(b) })
}

// read calls once again and again until it has read bytes or the deadline has passed.
func (s source) read(once func() (int, error)) (int, error) {
	r := s.r
	r.out.replies.makeDue()
	r.out.FlushReplies()
	due := r.holder.due()
	ok := r.deadline.arm(due)
	if r.config.BeforeRead != nil {
		r.config.BeforeRead()
	}
	for ok {
		n, err := once()
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			r.config.Counters.BytesRead.Add(uint64(n))
			r.window.count(n)
			r.takeLimit()
			return n, err
		}
		ok = r.deadline.rearm(due)
	}
	return 0, os.ErrDeadlineExceeded
}

type vectoredSource struct {
	source
	vector *vectorReader
}

func (s vectoredSource) ReadVector(v chunk.Vector) (int, error) {
	return s.read(func() (int, error) { return s.vector.read(v) })
}
