package media

import (
	"bytes"
	"io"
)

// maxAccessUnit is the maximum size of an access unit in a byte stream, in bytes. Pictures of level 6.2 are smaller.
const maxAccessUnit = 8 << 20

var startCode = []byte{0, 0, 1}

// AccessUnitScanner splits a byte stream of H.264 or H.265 (annex B) into access units for [Writer.WriteH264] and [Writer.WriteH265].
// Encoders write such streams to pipes, for example "ffmpeg -f h264 -", and to .h264 and .h265 files.
//
//	s := media.NewAccessUnitScanner(pipe, media.H264)
//	for n := 0; s.Scan(); n++ {
//		at := time.Duration(n) * time.Second / 25 // a byte stream has no times
//		err := w.WriteH264(video, at, at, s.Unit())
//	}
//	err := s.Err()
//
// The stream need not contain access unit delimiters. Scan returns a unit when the first slice of the next picture, or the end of the
// input, has arrived. In interlaced video, each field that is coded as a picture is a unit. NAL units after the last picture are dropped.
//
// In steady state, scanning does not allocate.
type AccessUnitScanner struct {
	in    window
	codec Codec
	size  int // size of the current unit, at the beginning of the window
	nalus [][]byte
	err   error
}

// NewAccessUnitScanner returns a scanner that reads from r. codec must be [H264] or [H265]; otherwise Err returns an [*Error].
func NewAccessUnitScanner(r io.Reader, codec Codec) *AccessUnitScanner {
	s := &AccessUnitScanner{in: window{r: r, max: maxAccessUnit + 1}, codec: codec}
	if codec != H264 && codec != H265 {
		s.err = &Error{Where: codec.String(), Detail: "access units can be scanned for H.264 and H.265 only"}
	}
	return s
}

// Unit returns the NAL units of the current access unit, without start codes. They are valid until the next Scan.
func (s *AccessUnitScanner) Unit() [][]byte { return s.nalus }

// Err returns the error that ended the scan, or nil at the end of the input. It is an [*Error] if the input does not begin with a start
// code, or if a unit has more than 8 MiB or 8192 NAL units. Any other error is an error of the io.Reader.
func (s *AccessUnitScanner) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// Scan reads the next access unit and reports whether there is one.
func (s *AccessUnitScanner) Scan() bool {
	s.in.drop(s.size)
	s.size, s.nalus = 0, s.nalus[:0]
	end := unitEnd{bounds: pictureBounds{codec: s.codec}}
	for s.err == nil {
		b, isFull := s.in.bytes(), s.in.full()
		isAll := s.in.err == io.EOF && !isFull // the unit in a full window is too long
		if s.size, s.err = end.find(b, isAll); s.size > 0 {
			s.nalus, s.err = SplitAnnexB(s.nalus, b[:s.size])
			return s.err == nil
		}
		switch {
		case s.err != nil:
		case isFull:
			s.err = &Error{Where: "Annex B", Detail: "access unit is too long, limit in bytes", Value: maxAccessUnit}
		case s.in.err != nil:
			s.err = s.in.err
		default:
			s.in.fill()
		}
	}
	return false
}

// unitEnd finds the end of the first access unit in a byte stream. More bytes may arrive between calls; offsets are positions in the
// stream.
type unitEnd struct {
	bounds  pictureBounds
	begun   bool // a start code has been found
	seen    bool // the role of the last NAL unit is known
	picture bool // a slice has been found
	code    int  // position of the last NAL unit's start code
	nalu    int  // position of the last NAL unit's first byte
	from    int  // where to search for the next start code
	first   int  // position of the start code at which the next unit begins if the next slice begins a picture; 0 if there is none
}

// find returns the size of the access unit, or 0 if it needs more bytes. After the last bytes, when isAll is set, 0 means that b contains
// no picture.
func (e *unitEnd) find(b []byte, isAll bool) (size int, err error) {
	for {
		next := bytes.Index(b[e.from:], startCode)
		if next >= 0 {
			next += e.from
		}
		if err := e.checkBegin(b, next); err != nil {
			return 0, err
		}
		if e.begun && !e.seen {
			end := next
			if next < 0 {
				end = len(b)
			}
			if size := e.examine(bytes.TrimRight(b[e.nalu:end], "\x00"), isAll || next >= 0); size > 0 {
				return size, nil
			}
		}
		if next < 0 {
			e.from = max(e.from, len(b)-len(startCode)+1)
			break
		}
		e.begun, e.seen, e.code, e.nalu = true, false, next, next+len(startCode)
		e.from = e.nalu
	}
	switch {
	case !isAll || !e.picture:
		return 0, nil
	case e.first > 0:
		return e.first, nil
	}
	return len(b), nil
}

// checkBegin checks that only zeros precede the first start code, which is at next.
func (e *unitEnd) checkBegin(b []byte, next int) error {
	if e.begun {
		return nil
	}
	if next < 0 {
		next = len(b)
	}
	if len(bytes.TrimLeft(b[:next], "\x00")) > 0 {
		return noStartCode()
	}
	return nil
}

// examine looks at the part of the current NAL unit that has arrived. If that shows where the access unit ends, examine returns its size.
func (e *unitEnd) examine(nalu []byte, isWhole bool) (size int) {
	role, begins, ok := e.bounds.classify(nalu)
	if e.seen = ok || isWhole; !ok {
		return 0
	}
	switch role {
	case nalFirst:
		if e.picture && e.first == 0 {
			e.first = e.code
		}
	case nalSlice:
		if e.picture && begins {
			if e.first > 0 {
				return e.first
			}
			return e.code
		}
		e.picture, e.first = true, 0
	case nalExtra:
		e.first = 0
	}
	return 0
}
