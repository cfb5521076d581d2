package capture

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// searchSize is how much a search reads at a time, in bytes.
const searchSize = 64 << 10

// searcher finds block headers after damage. It reads each part of the file once, even if the damage consists of many small spots.
type searcher struct {
	in     io.ReaderAt
	size   int64 // of the file
	window []byte
	at     int64 // position of window
}

// next returns the position of the next block header from at on, or size.
func (s *searcher) next(at int64) (int64, error) {
	for {
		b, err := s.from(at)
		if err != nil {
			return 0, err
		}
		if len(b) < capturefile.HeaderSize {
			return s.size, nil
		}
		if _, err := capturefile.ParseHeader(b); err == nil {
			return at, nil
		}
		if i := bytes.Index(b[1:], capturefile.Magic[:]); i >= 0 {
			at += int64(1 + i)
		} else {
			at += int64(len(b) - len(capturefile.Magic) + 1)
		}
	}
}

// from returns the bytes from at on: a header at least, unless the file ends before.
func (s *searcher) from(at int64) ([]byte, error) {
	if at < s.at || at+capturefile.HeaderSize > s.at+int64(len(s.window)) {
		if s.window == nil {
			s.window = make([]byte, searchSize)
		}
		n, err := s.in.ReadAt(s.window[:min(searchSize, max(0, s.size-at))], at)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("capture: %w", err)
		}
		s.window, s.at = s.window[:n], at
	}
	return s.window[at-s.at:], nil
}
