package capture

import (
	"errors"
	"io"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// Raw is a part of a chunk stream.
type Raw struct {
	From Direction
	At   time.Duration // time from Info.Began until it was sent or received
	Data []byte        // valid until the next call
}

// RawReader reads the chunk streams of a session as they were recorded. Only one goroutine at a time may use it.
type RawReader struct {
	session *Session
	buf     buffers
	content capturefile.Content
	block   int // index of the next block
	lost    bool
	resumed *[2]*chunk.Scanner // scanners for the position after a gap; set after the gap, until a Reader takes them
}

// Raw returns a RawReader at the beginning of the session.
func (s *Session) Raw() *RawReader { return &RawReader{session: s} }

// Next reads the next part, of either direction. The error is io.EOF at the end of the session, or io.ErrUnexpectedEOF if the recording has
// no end; see [Session.End]. After a *DamageError, which reports a missing part of the capture, the next call continues after that part.
func (r *RawReader) Next(raw *Raw) error {
	for {
		record, err := r.content.Next()
		switch {
		case err == io.EOF:
			if err = r.advance(); err != nil {
				return err
			}
		case err != nil:
			r.content, r.lost = capturefile.Content{}, true
			return r.session.damage(r.block-1, err)
		case record.Kind == capturefile.KindClient || record.Kind == capturefile.KindServer:
			*raw = Raw{From: Direction(record.Kind), At: record.At, Data: record.Data}
			return nil
		}
	}
}

func (r *RawReader) advance() error {
	blocks := r.session.blocks
	if r.block == len(blocks) {
		if r.session.complete {
			return io.EOF
		}
		return io.ErrUnexpectedEOF
	}
	i := r.block
	if err := r.follows(i); err != nil && !r.lost {
		r.lost = true
		return err
	}
	r.block++
	if r.lost && !blocks[i].header.Seekable {
		return nil
	}
	content, err := r.session.content(i, &r.buf)
	if err != nil {
		r.lost = errors.As(err, new(*DamageError))
		return err
	}
	if r.lost {
		if r.resumed, err = scanners(&content); err != nil {
			return r.session.damage(i, err)
		}
	}
	r.content, r.lost = content, false
	return nil
}

// follows returns a *DamageError if blocks are missing before block i.
func (r *RawReader) follows(i int) error {
	blocks := r.session.blocks
	before := uint32(0)
	if i > 0 {
		before = blocks[i-1].header.Sequence + 1
	}
	if blocks[i].header.Sequence == before {
		return nil
	}
	return &DamageError{Offset: blocks[i].at, Detail: "blocks are missing before this one"}
}

// seek moves to the last seekable block that begins at or before t.
func (r *RawReader) seek(t time.Duration) {
	r.block = 0
	for i, b := range r.session.blocks {
		if b.header.First > t {
			break
		}
		if b.header.Seekable {
			r.block = i
		}
	}
	r.content, r.resumed, r.lost = capturefile.Content{}, nil, true
}

// scanners returns scanners with the state at the beginning of a block.
func scanners(c *capturefile.Content) (s *[2]*chunk.Scanner, err error) {
	s = new([2]*chunk.Scanner)
	for i, state := range c.States {
		if s[i], err = chunk.NewScannerState(state); err != nil {
			return nil, err
		}
	}
	return s, nil
}
