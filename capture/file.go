package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// ErrNoSession is the error for a file that is not a capture, or has no session yet.
var ErrNoSession = errors.New("capture: no session")

// File is a capture file. Its methods may be called from any goroutine.
type File struct {
	in       io.ReaderAt
	sessions []*Session
	damage   []*DamageError
}

// DamageError describes a part of a capture that can't be read.
type DamageError struct {
	Offset int64  // offset in the file, in bytes
	Size   int64  // size of the part in bytes; 0 if unknown
	Detail string // description of the damage
	Err    error  // the cause; nil if there is none
}

// Error returns the text "capture: at byte offset: detail: cause".
func (e *DamageError) Error() string {
	text := fmt.Sprintf("capture: at byte %d: %s", e.Offset, e.Detail)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// Open opens a capture file. Without a session the error is ErrNoSession.
func Open(path string) (*File, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	stat, err := in.Stat()
	if err == nil {
		var f *File
		if f, err = NewFile(in, stat.Size()); err == nil {
			return f, nil
		}
	}
	in.Close()
	return nil, err
}

// NewFile opens a capture of size bytes. It reads the headers of all blocks, and keeps a few dozen bytes in memory for each 256 KB and each
// damaged part. If in is an io.Closer, File.Close closes it.
func NewFile(in io.ReaderAt, size int64) (*File, error) {
	f := &File{in: in}
	byID := make(map[uint64]*Session)
	search := &searcher{in: in, size: size}
	for at := int64(0); at < size; {
		b, next, err := f.block(at, search)
		if err != nil {
			return nil, err
		}
		if b != nil {
			s := byID[b.header.Session]
			if s == nil {
				s = &Session{file: f}
				byID[b.header.Session] = s
				f.sessions = append(f.sessions, s)
			}
			s.blocks = append(s.blocks, *b)
		}
		at = next
	}
	for _, s := range f.sessions {
		if err := s.readMetadata(); err != nil {
			return nil, err
		}
	}
	if len(f.sessions) == 0 {
		return nil, ErrNoSession
	}
	return f, nil
}

type blockAt struct {
	header capturefile.Header
	at     int64 // position of the header
}

// block reads the header of the block at a position, and returns the position of the next block. b is nil if there is no block.
func (f *File) block(at int64, search *searcher) (b *blockAt, next int64, err error) {
	size := search.size
	var head [capturefile.HeaderSize]byte
	n, err := f.in.ReadAt(head[:min(int64(len(head)), size-at)], at)
	if err != nil && err != io.EOF {
		return nil, 0, fmt.Errorf("capture: %w", err)
	}
	h, err := capturefile.ParseHeader(head[:n])
	switch next = at + capturefile.HeaderSize + int64(h.Packed); {
	case err == nil && next <= size:
		return &blockAt{header: h, at: at}, next, nil
	case err == nil:
		f.damaged(at, size-at, "the end is cut off", nil)
		return nil, size, nil
	}
	if next, err = search.next(at + 1); err == nil {
		f.damaged(at, next-at, "not a block of a capture", nil)
	}
	return nil, next, err
}

func (f *File) damaged(at, size int64, detail string, err error) {
	f.damage = append(f.damage, &DamageError{Offset: at, Size: size, Detail: detail, Err: err})
}

// Sessions returns the sessions in the order in which they began.
func (f *File) Sessions() []*Session { return slices.Clone(f.sessions) }

// Damage returns the damaged parts of the file, such as an incomplete block at the end. Readers report damage inside the blocks of a
// session.
func (f *File) Damage() []*DamageError { return slices.Clone(f.damage) }

// Close closes the underlying file.
func (f *File) Close() error {
	if c, ok := f.in.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Session is a recorded session.
type Session struct {
	file     *File
	blocks   []blockAt
	info     Info
	end      End
	complete bool
}

// readMetadata reads the session's Info from its first block, and its End from its last.
func (s *Session) readMetadata() error {
	for _, i := range []int{0, len(s.blocks) - 1} {
		c, err := s.content(i, new(buffers))
		for err == nil {
			var r capturefile.Record
			if r, err = c.Next(); err != nil {
				break
			}
			switch r.Kind {
			case capturefile.KindInfo:
				s.info = capturefile.ParseInfo(r.Data)
			case capturefile.KindEnd:
				s.end, s.complete = capturefile.ParseEnd(r.Data), true
			}
		}
		if damage := (*DamageError)(nil); err != io.EOF && !errors.As(err, &damage) {
			return err
		}
	}
	return nil
}

type buffers struct{ packed, content []byte }

// content reads a block. If the block is damaged, the error is a *DamageError.
func (s *Session) content(i int, buf *buffers) (c capturefile.Content, err error) {
	b := &s.blocks[i]
	buf.packed = slices.Grow(buf.packed[:0], int(b.header.Packed))[:b.header.Packed]
	if n, err := s.file.in.ReadAt(buf.packed, b.at+capturefile.HeaderSize); n < len(buf.packed) {
		return c, fmt.Errorf("capture: %w", err)
	}
	if buf.content, err = b.header.Content(buf.content[:0], buf.packed); err == nil {
		c, err = capturefile.ParseContent(&b.header, buf.content)
	}
	if err != nil {
		err = s.damage(i, err)
	}
	return c, err
}

func (s *Session) damage(i int, err error) error {
	b := &s.blocks[i]
	return &DamageError{Offset: b.at, Size: capturefile.HeaderSize + int64(b.header.Packed), Detail: "a block can't be read", Err: err}
}

// Info describes the session.
func (s *Session) Info() Info { return s.info }

// End describes how the recording of the session ended. complete is false if the recording has no end, because the session is still being
// recorded, the program has crashed, or the file is damaged.
func (s *Session) End() (end End, complete bool) { return s.end, s.complete }

// Duration returns the time of the last record.
func (s *Session) Duration() time.Duration { return s.blocks[len(s.blocks)-1].header.Last }
