package flv

import "encoding/binary"

// Parser parses an FLV stream that arrives in pieces of any size. The zero value is ready to use.
//
// Previous tag sizes are skipped, since many programs get them wrong. A file header is accepted wherever a tag can begin, since
// concatenated files and interrupted downloads have them in the middle, and may be missing unless RequireHeader is set. Tags of unknown
// types are returned like all others.
type Parser struct {
	// RequireHeader makes a missing file header an error. Set it before the first call of Parse.
	RequireHeader bool

	state           state
	head            [TagHeaderSize]byte // the part of a file header, tag header or previous tag size that has arrived
	headLen         int                 // number of bytes in head
	skip            int64               // stateSkip: bytes left
	tag             Tag                 // stateBody: its header
	size            int                 // length of the body of tag
	previousTagSize uint32              // statePreviousTagSize: the correct value
	body            []byte              // stateBody: the bytes that arrived in earlier pieces; reused
	pos             int64               // bytes consumed
	start           int64               // offset of the tag or header that is being parsed
	tagAt           int64               // offset of the tag that was returned last
	header          FileHeader
	hasHeader       bool // header is valid
	wrongSizes      int64
	err             error
}

// state says what the next byte is part of.
type state uint8

const (
	stateHead            state = iota // the header of a file or of a tag
	stateSkip                         // the rest of a file header longer than 9 bytes
	stateBody                         // the body of a tag
	statePreviousTagSize              // the previous tag size after a header or a tag
)

type event uint8

const (
	eventNone   event = iota // everything was consumed
	eventHeader              // a file header is complete
	eventTag                 // a tag is complete except for its previous tag size
)

// Parse consumes bytes from the front of b and returns how many. Either t is the next tag and ok is true, or all of b was consumed. Call it
// in a loop:
//
//	for {
//		n, ok, err := p.Parse(b, &tag)
//		if err != nil {
//			return err
//		}
//		if !ok {
//			break // b is used up
//		}
//		use(tag)
//		b = b[n:]
//	}
//
// A tag is returned when its body is complete, before its previous tag size. Its Body is part of b, or memory of the Parser if it arrived
// in pieces, and valid until the next call.
//
// An error is always an [*Error] and final: every later call returns it.
func (p *Parser) Parse(b []byte, t *Tag) (n int, ok bool, err error) {
	for {
		k, ev, err := p.advance(b[n:], t)
		n += k
		switch {
		case err != nil:
			return n, false, err
		case ev == eventTag:
			return n, true, nil
		case ev == eventNone:
			return n, false, nil
		}
	}
}

// End returns nil if the input may end here, between two tags, and otherwise an [*Error] that wraps io.ErrUnexpectedEOF. Unless the error
// concerns the file header, truncating the file at its Offset makes it valid. If only the last previous tag size is missing, the tag has
// been returned.
func (p *Parser) End() error {
	if p.err != nil {
		return p.err
	}
	var where string
	var missing int64
	switch {
	case p.state == stateSkip:
		where, missing = "file header", p.skip+PreviousTagSizeLen
	case p.state == stateBody:
		where, missing = "tag body", int64(p.size-len(p.body)+PreviousTagSizeLen)
	case p.state == statePreviousTagSize:
		where, missing = "previous tag size", int64(PreviousTagSizeLen-p.headLen)
	case p.RequireHeader && !p.hasHeader, p.headLen >= len(signature) && p.isFileHeader():
		where, missing = "file header", int64(FileHeaderSize-p.headLen)
	case p.headLen > 0:
		where, missing = "tag header", int64(TagOverhead-p.headLen)
	default:
		return nil
	}
	return addOffset(truncated(where, missing), p.start)
}

// Header returns the most recent file header. ok is false if there was none.
func (p *Parser) Header() (h FileHeader, ok bool) { return p.header, p.hasHeader }

// Offset returns the position of the last tag, in bytes from the start of the input.
func (p *Parser) Offset() int64 { return p.tagAt }

// WrongPreviousTagSizes returns the number of previous tag sizes that were wrong.
func (p *Parser) WrongPreviousTagSizes() int64 { return p.wrongSizes }

// advance proceeds to the next event, or to the end of b.
func (p *Parser) advance(b []byte, t *Tag) (n int, ev event, err error) {
	for p.err == nil {
		var k int
		before := p.state
		switch rest := b[n:]; p.state {
		case stateHead:
			k, ev = p.parseHead(rest)
		case stateSkip:
			k = p.skipHeader(rest)
		case stateBody:
			k, ev = p.parseBody(rest, t)
		case statePreviousTagSize:
			k = p.parsePreviousTagSize(rest)
		}
		n += k
		p.pos += int64(k)
		if ev != eventNone || k == 0 && p.state == before {
			break
		}
	}
	return n, ev, p.err
}

// parseHead collects a header. The first three bytes show its kind: no tag begins with F, which has reserved bits set.
func (p *Parser) parseHead(b []byte) (n int, ev event) {
	if p.headLen == 0 {
		p.start = p.pos
	}
	for p.headLen < p.headSize() && n < len(b) {
		k := copy(p.head[p.headLen:p.headSize()], b[n:])
		p.headLen += k
		n += k
	}
	if p.headLen < p.headSize() {
		return n, eventNone
	}
	if p.isFileHeader() {
		return n, p.beginFile()
	}
	p.beginTag()
	return n, eventNone
}

func (p *Parser) headSize() int {
	switch {
	case p.headLen < len(signature):
		return len(signature)
	case p.isFileHeader():
		return fileHeaderProper
	}
	return TagHeaderSize
}

func (p *Parser) isFileHeader() bool {
	return string(p.head[:len(signature)]) == signature || p.RequireHeader && !p.hasHeader
}

func (p *Parser) beginFile() event {
	h, dataOffset, err := ParseFileHeader(p.head[:p.headLen])
	if err != nil {
		p.fail(err)
		return eventNone
	}
	p.header, p.hasHeader = h, true
	p.headLen, p.previousTagSize = 0, 0
	p.state, p.skip = stateSkip, int64(dataOffset)-fileHeaderProper
	return eventHeader
}

func (p *Parser) skipHeader(b []byte) (n int) {
	n = int(min(p.skip, int64(len(b))))
	if p.skip -= int64(n); p.skip == 0 {
		p.state = statePreviousTagSize
	}
	return n
}

func (p *Parser) beginTag() {
	t, size, err := ParseTagHeader(p.head[:])
	if err != nil {
		p.fail(err)
		return
	}
	p.tag, p.size = t, size
	p.headLen, p.body = 0, p.body[:0]
	p.state = stateBody
}

// parseBody returns a body without copying it if b contains all of it. Otherwise the body grows as it arrives, since a header of eleven
// bytes can claim 16 MiB.
func (p *Parser) parseBody(b []byte, t *Tag) (n int, ev event) {
	n = min(p.size-len(p.body), len(b))
	body := b[:n:n]
	if len(body) < p.size {
		p.body = append(p.body, body...)
		body = p.body
	}
	if len(body) < p.size {
		return n, eventNone
	}
	*t = p.tag
	t.Body = body
	p.tagAt = p.start
	p.previousTagSize = uint32(p.size) + TagHeaderSize
	p.state = statePreviousTagSize
	return n, eventTag
}

func (p *Parser) parsePreviousTagSize(b []byte) (n int) {
	n = copy(p.head[p.headLen:PreviousTagSizeLen], b)
	if p.headLen += n; p.headLen == PreviousTagSizeLen {
		if binary.BigEndian.Uint32(p.head[:]) != p.previousTagSize {
			p.wrongSizes++
		}
		p.headLen = 0
		p.state = stateHead
	}
	return n
}

func (p *Parser) fail(err error) { p.err = addOffset(err, p.start) }
