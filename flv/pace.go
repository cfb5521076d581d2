package flv

import (
	"context"
	"io"
	"time"
)

// PacedReader reads an FLV file at its playback speed, so that io.Copy to a stream publishes the file like a live source. It returns each
// tag when it is due, counted from the first Read and the first frame. Metadata and configurations before that frame are due at once, since
// in recordings of live streams they may have the timestamp 0 and the first frame that of the live stream.
type PacedReader struct {
	ctx      context.Context
	in       *Reader
	ahead    time.Duration
	timeline Timeline
	begun    bool  // a frame has been read
	first    int64 // position of the first frame in ms
	start    time.Time
	tag      Tag  // the next tag
	pending  bool // tag is valid
	rest     []byte
	out      []byte
	err      error // error of the last fetch; returned after out
}

// NewPacedReader returns a PacedReader of r. It returns each tag earlier by the duration ahead, so that players can fill their buffers. A
// Read that waits ends when ctx is done.
func NewPacedReader(ctx context.Context, r io.Reader, ahead time.Duration) *PacedReader {
	return &PacedReader{ctx: ctx, in: NewReader(r), ahead: ahead}
}

// Read waits until a tag is due, and returns all tags that are due. Its errors are those of Reader.Next, after which reading may continue as
// described there, and of the context.
func (p *PacedReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if len(p.rest) == 0 {
		p.out = p.out[:0]
		if err := p.gather(len(b)); err != nil {
			return 0, err
		}
		p.rest = p.out
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// gather collects about size bytes of due tags, and waits for the first one.
func (p *PacedReader) gather(size int) error {
	if p.start.IsZero() {
		header, err := p.in.Header()
		if err != nil {
			return err
		}
		p.start = time.Now()
		p.out = AppendFileHeader(p.out, header)
	}
	for len(p.out) < size {
		if !p.pending && p.err == nil {
			p.fetch()
		}
		if p.err != nil && !p.pending {
			if len(p.out) > 0 {
				return nil
			}
			err := p.err
			p.err = nil
			return err
		}
		if wait := time.Until(p.due()); wait > 0 {
			if len(p.out) > 0 {
				return nil
			}
			if err := p.wait(wait); err != nil {
				return err
			}
		}
		p.out = AppendTag(p.out, p.tag)
		p.pending = false
	}
	return nil
}

func (p *PacedReader) fetch() {
	if p.err = p.in.Next(&p.tag); p.err != nil {
		return
	}
	p.pending = true
	at := p.timeline.Unwrap(p.tag.Timestamp)
	if kind, _ := KindOf(p.tag); !p.begun && kind != KindHeader && kind != KindData {
		p.begun, p.first = true, at
	}
}

func (p *PacedReader) due() time.Time {
	if !p.begun {
		return p.start
	}
	return p.start.Add(time.Duration(p.timeline.now-p.first)*time.Millisecond - p.ahead)
}

func (p *PacedReader) wait(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}
