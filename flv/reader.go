package flv

import "io"

// readSize is the size of reads in bytes. Smaller reads cost more system calls; larger ones gain nothing.
const readSize = 64 << 10

// Reader reads the tags of an FLV file. It may read more than it has returned.
type Reader struct {
	r      io.Reader
	parser Parser
	buf    []byte
	rest   []byte // the unparsed part of buf
	err    error  // error that was read together with rest
}

// NewReader returns a Reader that reads from r, which must begin with a file header.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, parser: Parser{RequireHeader: true}, buf: make([]byte, readSize)}
}

// Header returns the file header, reading it if necessary. Its errors are those of Next.
func (r *Reader) Header() (FileHeader, error) {
	var t Tag // not used, since no tag precedes the header
	for {
		if h, ok := r.parser.Header(); ok {
			return h, nil
		}
		if _, err := r.advance(&t); err != nil {
			return FileHeader{}, err
		}
	}
}

// Next reads the next tag of any type. Its Body is valid until the next call.
//
// The error is io.EOF only at the end of a tag. If the file ends elsewhere it is an [*Error] that wraps io.ErrUnexpectedEOF; see
// [Parser.End]. After both, Next may be called again in case the file has grown. Any other [*Error] is final. Errors of the io.Reader are
// returned unchanged, and reading may continue.
func (r *Reader) Next(t *Tag) error {
	for {
		ev, err := r.advance(t)
		if err != nil || ev == eventTag {
			return err
		}
	}
}

// Offset returns the position of the last tag, in bytes from the start of the file.
func (r *Reader) Offset() int64 { return r.parser.Offset() }

// WrongPreviousTagSizes returns the number of previous tag sizes that were wrong. Reading ignores them.
func (r *Reader) WrongPreviousTagSizes() int64 { return r.parser.WrongPreviousTagSizes() }

func (r *Reader) advance(t *Tag) (event, error) {
	n, ev, err := r.parser.advance(r.rest, t)
	r.rest = r.rest[n:]
	if err != nil || ev != eventNone {
		return ev, err
	}
	return eventNone, r.fill()
}

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
