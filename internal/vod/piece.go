package vod

import (
	"io"
	"sync"

	"github.com/go-librtmp/rtmp/flv"
)

const pieceSize = 64 << 10

// buffers contains unused buffers, by size class; see bufferSize.
var buffers [20]sync.Pool

// bufferSize returns the size of the buffers of a class in bytes: 96, 128, 192, 256 KiB and so on, up to more than the largest tag. The
// first class serves both pieces of the usual size and most key frames, which are larger. If these had different classes, every player
// would need two buffers, one of which would always be unused. A piece uses only the beginning of its buffer, and the system provides no
// memory for pages that were never used.
func bufferSize(class int) int { return pieceSize << ((class + 1) / 2) / 2 * (3 - class%2) }

// bufferClass returns the smallest class whose buffers have room for n bytes.
func bufferClass(n int) (class int) {
	for bufferSize(class) < n {
		class++
	}
	return class
}

func getBuffer(n int) *[]byte {
	class := bufferClass(n)
	if b, ok := buffers[class].Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, bufferSize(class))
	return &b
}

func putBuffer(b *[]byte) { buffers[bufferClass(len(*b))].Put(b) }

// piece holds a part of a file in memory. That part begins with the PreviousTagSize that precedes a tag.
type piece struct {
	file io.ReaderAt
	at   int64 // position of buf in the file
	buf  *[]byte
	next int // index in buf of the next frame
	end  int // index in buf after the bytes read
}

// position returns the position of the next frame in the file.
func (p *piece) position() int64 { return p.at + int64(p.next) }

// rest returns the bytes that were read from the file but not yet returned by take.
func (p *piece) rest() []byte {
	if p.buf == nil {
		return nil
	}
	return (*p.buf)[p.next:p.end]
}

// take returns the next n bytes, which must have been read. The capacity of the result includes the bytes after them.
func (p *piece) take(n int) []byte {
	b := p.rest()[:n]
	p.next += n
	return b
}

// moveTo empties the piece and sets the position of the next frame.
func (p *piece) moveTo(at int64) {
	p.at, p.next, p.end = at, 0, 0
	if p.buf != nil {
		putBuffer(p.buf)
		p.buf = nil
	}
}

// head parses the header of the next tag, after reading it from the file if necessary.
func (p *piece) head() (t flv.Tag, size int, err error) {
	at := p.position() + flv.PreviousTagSizeLen
	if rest := p.rest(); len(rest) >= FrameRoom {
		return parseHead(rest[flv.PreviousTagSizeLen:], at)
	}
	var b [flv.TagHeaderSize]byte
	n, err := p.file.ReadAt(b[:], at)
	if err != nil && err != io.EOF {
		return t, 0, err
	}
	return parseHead(b[:n], at)
}

// read reads at least n bytes, and at least as many as a piece of the usual size. It reads fewer only at the end of the file.
func (p *piece) read(n int) error {
	buf := p.buf
	if buf == nil || bufferClass(n) != bufferClass(len(*buf)) {
		buf = getBuffer(n)
	}
	kept := copy(*buf, p.rest())
	at := p.position()
	if buf != p.buf {
		p.moveTo(at)
	}
	p.at, p.buf, p.next, p.end = at, buf, 0, kept
	to := max(n, pieceSize)
	got, err := p.file.ReadAt((*buf)[kept:to], at+int64(kept))
	p.end += got
	if err == io.EOF {
		err = nil
	}
	return err
}
