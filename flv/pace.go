package flv

import (
	"context"
	"io"
	"time"
)

// PacedReader reads an FLV file at the speed at which it plays: io.Copy from it to a stream is what a camera would send.
// Tags come when their time has come, counted from the first Read; those that are late come at once.
type PacedReader struct {
	ctx     context.Context
	in      *Reader
	ahead   time.Duration
	line    Timeline
	first   int64 // timestamp of the first tag, ms
	begun   time.Time
	tag     Tag  // the next one
	pending bool // tag is there
	rest    []byte
	out     []byte
	err     error
}

// NewPacedReader returns a PacedReader of r. Tags come ahead of their time by as much as ahead says, so that who plays them
// has something to begin with. ctx ends a Read that waits.
func NewPacedReader(ctx context.Context, r io.Reader, ahead time.Duration) *PacedReader {
	return &PacedReader{ctx: ctx, in: NewReader(r), ahead: ahead}
}

// Read reads what is due, waiting for the next tag if nothing is. The errors are those of Reader.Next, and ctx's.
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

// gather collects tags of about size bytes that are due, and waits for the first.
func (p *PacedReader) gather(size int) error {
	if p.begun.IsZero() {
		header, err := p.in.Header()
		if err != nil {
			return err
		}
		p.begun = time.Now()
		p.out = AppendFileHeader(p.out, header)
	}
	for len(p.out) < size {
		if !p.pending && p.err == nil {
			p.pull()
		}
		if p.err != nil && !p.pending {
			if len(p.out) > 0 {
				return nil
			}
			return p.err
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

func (p *PacedReader) pull() {
	first := !p.line.started
	if p.err = p.in.Next(&p.tag); p.err != nil {
		return
	}
	p.pending = true
	if at := p.line.Unwrap(p.tag.Timestamp); first {
		p.first = at
	}
}

func (p *PacedReader) due() time.Time {
	return p.begun.Add(time.Duration(p.line.now-p.first)*time.Millisecond - p.ahead)
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
