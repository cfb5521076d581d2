package vod

import (
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	peekSize   = 128     // number of bytes of a body that are read: enough for flv.KindOf to recognize key frames and headers
	windowSize = 4 << 10 // bytes read at a time: less than most video tags, more than most audio tags
)

// head is the header of a tag in a file, with the first bytes of its body.
type head struct {
	flv.Tag       // Body has at most peekSize bytes, and is valid until the next tag is scanned
	at      int64 // position of the tag
	size    int   // size of the whole body
}

// end returns the position of the next tag.
func (h *head) end() int64 { return h.at + int64(h.size) + flv.TagOverhead }

// isMedia reports whether t is one of FLV's tag types. Tags of other types are skipped, since a server would send them as RTMP messages of
// that type.
func isMedia(t flv.TagType) bool { return t == flv.TagAudio || t == flv.TagVideo || t == flv.TagScript }

// scanner moves from tag to tag without reading whole bodies.
type scanner struct {
	file  io.ReaderAt
	size  int64          // size of the file
	has   flv.FileHeader // the file header; set by newScanner
	pos   int64          // position of the next tag
	whole int64          // position after the last whole tag and its PreviousTagSize
	err   error          // why there is no next tag

	window   [windowSize]byte
	windowAt int64
	inWindow int
}

// newScanner returns a scanner at the first tag. The error is ErrNotFLV, or the error of the file.
func newScanner(file io.ReaderAt, size int64) (*scanner, error) {
	s := scannerAt(file, size, 0)
	b, err := s.bytes(0, flv.FileHeaderSize)
	if err != nil {
		return nil, err
	}
	has, dataOffset, err := flv.ParseFileHeader(b)
	if err != nil {
		return nil, ErrNotFLV
	}
	s.has = has
	s.pos = int64(dataOffset) + flv.PreviousTagSizeLen
	s.whole = s.pos
	return s, nil
}

// scannerAt returns a scanner at a position of an FLV file.
func scannerAt(file io.ReaderAt, size, pos int64) *scanner {
	return &scanner{file: file, size: size, pos: pos, whole: pos}
}

// next moves to the next whole tag. It returns false if there is none. s.err is then nil if the file ends between tags, an [*flv.Error] if
// the file ends inside a tag or is damaged, or the error of the file.
func (s *scanner) next(h *head) bool {
	for s.err == nil && s.pos != s.size {
		if s.err = s.read(h); s.err != nil {
			break
		}
		if h.end()-flv.PreviousTagSizeLen > s.size {
			s.err = truncatedAt(h.at, h.end()-s.size)
			break
		}
		if h.end() <= s.size {
			s.whole = h.end()
		}
		s.pos = min(h.end(), s.size) // the PreviousTagSize after the last tag may be missing
		if isMedia(h.Type) {
			return true
		}
	}
	return false
}

// read reads the tag at pos.
func (s *scanner) read(h *head) error {
	b, err := s.bytes(s.pos, flv.TagHeaderSize+peekSize)
	if err != nil {
		return err
	}
	if h.Tag, h.size, err = parseHead(b, s.pos); err != nil {
		return err
	}
	h.at = s.pos
	body := b[flv.TagHeaderSize:]
	h.Body = body[:min(len(body), h.size)]
	return nil
}

// parseHead reads the header of the tag at a position of the file.
func parseHead(b []byte, at int64) (t flv.Tag, size int, err error) {
	if len(b) < flv.TagHeaderSize {
		return t, 0, truncatedAt(at, int64(flv.TagOverhead-len(b)))
	}
	t, size, err = flv.ParseTagHeader(b)
	if err == nil && t.Type == 0 { // zeros, which are left after a crash of the system, or in space that was allocated but not written
		err = &flv.Error{Detail: "not a tag: its type is 0"}
	}
	if e, ok := err.(*flv.Error); ok {
		e.Offset = at
	}
	return t, size, err
}

// truncatedAt returns the error for a file that ends inside the tag at a position.
func truncatedAt(at, missing int64) error {
	return &flv.Error{Offset: at, Detail: "the file ends within a tag, bytes missing", Value: missing, Err: io.ErrUnexpectedEOF}
}

// bytes returns n bytes at a position, or fewer at the end of the file.
func (s *scanner) bytes(at int64, n int) ([]byte, error) {
	if at < 0 || at > s.size {
		return nil, truncatedAt(at, at-s.size)
	}
	n = int(min(int64(n), s.size-at))
	if at < s.windowAt || at+int64(n) > s.windowAt+int64(s.inWindow) {
		want := min(windowSize, s.size-at)
		got, err := s.file.ReadAt(s.window[:want], at)
		s.windowAt, s.inWindow = at, got
		if got < n && err != nil && err != io.EOF {
			return nil, err
		}
	}
	from := int(at - s.windowAt)
	return s.window[from:min(from+n, s.inWindow)], nil
}
