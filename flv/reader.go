package flv

import "io"

// readSize is how much a Reader asks for at a time: below it system calls dominate, above it nothing is gained.
const readSize = 64 << 10

// Reader reads the tags of an FLV file from an io.Reader. It reads ahead.
type Reader struct {
	r      io.Reader
	parser Parser
	buf    []byte
	rest   []byte // the part of buf that was not parsed yet
	err    error  // came together with rest
}

// NewReader returns a Reader of r, which must begin with a file header.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, parser: Parser{RequireHeader: true}, buf: make([]byte, readSize)}
}

// Header returns the file header, reading it if necessary. Calling it is optional. The errors are those of Next.
func (r *Reader) Header() (FileHeader, error) {
	var t Tag // stays unused, since no tag comes before the header
	for {
		if h, ok := r.parser.Header(); ok {
			return h, nil
		}
		if _, err := r.advance(&t); err != nil {
			return FileHeader{}, err
		}
	}
}

// Next reads the next tag, whatever its type. Its Body is valid until the next call.
//
// The error is io.EOF only where a tag could begin. Of a file that was cut elsewhere it is an [*Error] that wraps
// io.ErrUnexpectedEOF, as [Parser.End] describes it. After both, Next may be called again in case the file has grown. Any other [*Error] is final. Errors of the io.Reader are returned as they are, and nothing is
// lost by them.
func (r *Reader) Next(t *Tag) error {
	for {
		ev, err := r.advance(t)
		if err != nil || ev == eventTag {
			return err
		}
	}
}

// Offset returns where the tag that was read last begins, in bytes from the start of the file.
func (r *Reader) Offset() int64 { return r.parser.Offset() }

// WrongPreviousTagSizes returns how many previous tag sizes were not what they should have been. They do no harm.
func (r *Reader) WrongPreviousTagSizes() int64 { return r.parser.WrongPreviousTagSizes() }

// advance goes on to the next event, or reads more.
func (r *Reader) advance(t *Tag) (event, error) {
	n, ev, err := r.parser.advance(r.rest, t)
	r.rest = r.rest[n:]
	if err != nil || ev != eventNone {
		return ev, err
	}
	return eventNone, r.fill()
}

// fill replaces rest, which is used up.
func (r *Reader) fill() error {
	const maxEmptyReads = 100
	for range maxEmptyReads {
		if err := r.err; err != nil {
			r.err = nil
			return r.ended(err)
		}
		var n int
		n, r.err = r.r.Read(r.buf)
		if n > 0 {
			r.rest = r.buf[:n]
			return nil
		}
	}
	return io.ErrNoProgress
}

func (r *Reader) ended(err error) error {
	if err != io.EOF {
		return err
	}
	if err := r.parser.End(); err != nil {
		return err
	}
	return io.EOF
}
