package vod

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/go-librtmp/rtmp/flv"
)

// ending describes the end of a file to which a recording is to be appended.
type ending struct {
	at      int64  // position of the next tag to write; 0 if the file header is incomplete
	last    uint32 // the latest time of a tag, ms modulo 2^32
	timed   bool   // last is valid
	has     flv.FileHeader
	numbers [len(finalProperties)]int64 // positions of the metadata's numbers in the file; 0 if missing
}

// findEnd finds the end of the last whole tag. Usually this is the end of the file, and the last tags are enough to verify it. If they are
// not, findEnd scans all tags. After the last whole tag the file may then contain only the beginning of another tag. The error is
// ErrNotFLV, an [*flv.Error] or the error of the file.
func findEnd(file io.ReaderAt, size int64) (e ending, err error) {
	if cut, err := isCutHeader(file, size); cut || err != nil {
		return e, err
	}
	s, err := newScanner(file, size)
	if err != nil {
		return e, err
	}
	if s.pos > size { // the file header is longer than those that this package writes, and is cut off
		return e, ErrNotFLV
	}
	e.has = s.has
	if e.numbers, err = numbersOf(file, size, s.pos); err != nil {
		return e, err
	}
	first := s.pos
	if e.goBackward(s) {
		return e, nil
	}
	return e, e.goForward(scannerAt(file, size, first))
}

// isCutHeader reports whether a file contains only a part of the file header that this package writes.
func isCutHeader(file io.ReaderAt, size int64) (bool, error) {
	if size >= flv.FileHeaderSize {
		return false, nil
	}
	b := make([]byte, size)
	if _, err := file.ReadAt(b, 0); err != nil {
		return false, err
	}
	header := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	return string(b) == string(header[:size]), nil
}

// numbersOf finds the numbers in the metadata, if the tag at position first is metadata.
func numbersOf(file io.ReaderAt, size, first int64) (at [len(finalProperties)]int64, err error) {
	const most = 64 << 10 // number of bytes searched
	h, err := headAt(file, size, first)
	if isDamage(err) {
		return at, nil
	}
	if kind, _ := flv.KindOf(h.Tag); err != nil || h.Type != flv.TagScript || kind != flv.KindHeader {
		return at, err
	}
	body := make([]byte, min(int64(h.size), most, size-first-flv.TagHeaderSize))
	if _, err := file.ReadAt(body, first+flv.TagHeaderSize); err != nil {
		return at, err
	}
	at = findNumbers(body)
	for i := range at {
		if at[i] > 0 {
			at[i] += first + flv.TagHeaderSize
		}
	}
	return at, nil
}

// goBackward finds the end of a file that ends with a whole tag. It goes backward from tag to tag with PreviousTagSize,
// until it arrives at the first tag or has read many tags. In the second case, the metadata must contain the size of
// the file, which shows that the file was closed. Otherwise the tags might only be bytes of a body that look like
// tags, by chance or because someone wrote them for this purpose. It returns false if it has not found the end.
func (e *ending) goBackward(s *scanner) bool {
	const many = 256
	first := s.pos
	var h head
	at := s.size
	for range many {
		if at == first {
			break
		}
		var err error
		if s.pos, err = s.tagBefore(at); err != nil || s.pos < first {
			return false
		}
		if err := s.read(&h); err != nil || h.end() != at || !isMedia(h.Type) {
			return false
		}
		at = h.at
		e.note(&h)
	}
	e.at = s.size
	return at == first || e.wasClosed(s)
}

// wasClosed reports whether the metadata contains the size of the file.
func (e *ending) wasClosed(s *scanner) bool {
	where := e.numbers[filesize]
	if where == 0 {
		return false
	}
	b, err := s.bytes(where, 8)
	return err == nil && len(b) == 8 && math.Float64frombits(binary.BigEndian.Uint64(b)) == float64(s.size)
}

// tagBefore returns the position of the tag that ends at the position at, according to PreviousTagSize. If that is invalid, the result may
// be before the first tag, or not the position of a tag. The error is that of the file.
func (s *scanner) tagBefore(at int64) (int64, error) {
	b, err := s.bytes(max(at-flv.PreviousTagSizeLen, 0), flv.PreviousTagSizeLen)
	if err != nil || len(b) < flv.PreviousTagSizeLen {
		return 0, err
	}
	return at - flv.PreviousTagSizeLen - int64(binary.BigEndian.Uint32(b)), nil
}

// note updates e.last with the time of a tag.
func (e *ending) note(h *head) {
	kind, _ := flv.KindOf(h.Tag)
	if kind == flv.KindHeader || kind == flv.KindData {
		return
	}
	if !e.timed || int32(h.Timestamp-e.last) > 0 {
		e.last, e.timed = h.Timestamp, true
	}
}

// goForward finds the end by scanning all tags.
func (e *ending) goForward(s *scanner) error {
	e.timed = false
	var h head
	last := s.pos
	for s.next(&h) && h.end() == s.whole {
		last = h.at
		e.note(&h)
	}
	e.at = s.whole
	switch {
	case s.err != nil && !errors.Is(s.err, io.ErrUnexpectedEOF):
		return s.err
	case e.at < s.size:
		return s.checkRest(e.at, last)
	}
	return nil
}

// checkRest returns an error if the bytes at a position can't be the beginning of a tag. Before them there must be the PreviousTagSize of
// the tag at last.
func (s *scanner) checkRest(at, last int64) error {
	noTag := &flv.Error{Offset: at, Detail: "the file has something else than tags"}
	if last < at {
		if before, err := s.tagBefore(at); err != nil {
			return err
		} else if before != last {
			return noTag
		}
	}
	b, err := s.bytes(at, flv.TagHeaderSize)
	if err != nil || len(b) < flv.TagHeaderSize {
		return err
	}
	t, _, err := flv.ParseTagHeader(b)
	if err != nil || !isMedia(t.Type) || b[8]|b[9]|b[10] != 0 { // the stream id
		return noTag
	}
	return nil
}
