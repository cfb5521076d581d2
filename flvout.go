package rtmp

import (
	"bytes"
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// These are prefixes of data messages.
var (
	// onMetaDataPrefix begins metadata.
	onMetaDataPrefix = amf.AppendString(nil, "onMetaData")
	// setDataFrame precedes metadata that a server should keep for players that join later.
	setDataFrame = amf.AppendString(nil, "@setDataFrame")
)

// keepRest is the size of the largest buffer that is kept for the part of a tag that did not fit into a Read, in bytes. Most key
// frames are smaller.
const keepRest = 1 << 20

// directSize is the size of the smallest body that is written separately instead of being copied, in bytes.
const directSize = 32 << 10

// rests are buffers for flvOut.rest. All Streams share them, so that key frames do not allocate, and idle Streams hold no buffer.
var rests = sync.Pool{New: func() any { return new([]byte) }}

// flvOut converts messages to the bytes of an FLV file, directly in the slice that was passed to Read. A tag that does not fit into the
// slice is built in rest and returned in pieces.
type flvOut struct {
	dst    []byte
	n      int // bytes in dst
	rest   []byte
	off    int  // bytes of rest that were returned
	direct bool // the caller writes rest itself, so long tags are left in rest instead of being copied to dst
	begun  bool // the file header has been written

	pooled   *[]byte        // the buffer of rest; nil if there is no rest or it is detached
	detached chunk.Detached // the buffer of rest, if that is the memory of a message

	prelude       flv.Prelude
	script, media []byte // tags that wait for the file header
}

func (o *flvOut) has() bool { return o.n > 0 || o.off < len(o.rest) }

func (o *flvOut) full() bool { return o.n == len(o.dst) || o.off < len(o.rest) }

// fits reports whether the tag of m fits into dst. If not, the tag is left to the next Read, whose slice may have room for the whole tag.
func (o *flvOut) fits(m *session.Message) bool {
	return o.n == 0 || m.Size()+flv.TagOverhead <= len(o.dst)-o.n
}

// take converts m to a tag, and returns o.full(). Like librtmp, it leaves out all data messages except onMetaData.
func (o *flvOut) take(m *session.Message) (full bool) {
	size := m.Size()
	if size == 0 || m.Type == message.TypeDataAMF3 {
		return o.full()
	}
	script := m.Type == message.TypeDataAMF0
	if script && !bytes.HasPrefix(m.Payload(), onMetaDataPrefix) {
		return o.full()
	}
	need := size + flv.TagOverhead
	switch {
	case !o.begun:
		o.prepare(m, script)
	case m.Placed() > 0:
		o.split(m, size)
	case o.direct && size >= directSize && o.off == len(o.rest) && o.detach(m):
	case o.off == len(o.rest) && need <= len(o.dst)-o.n:
		putTag(o.dst[o.n:o.n+need], m)
		o.n += need
	case o.off == len(o.rest) && o.detach(m):
		o.drain()
	case o.off == len(o.rest) && o.n+flv.TagHeaderSize < len(o.dst) && o.n+flv.TagHeaderSize+size >= len(o.dst):
		o.split(m, size)
	default:
		o.rest = appendTag(o.more(), m)
		o.drain()
	}
	return o.full()
}

// place returns the part of dst where take would put the body of the next message.
func (o *flvOut) place(size int) []byte {
	if !o.begun || o.direct || o.has() || len(o.dst) < flv.TagHeaderSize {
		return nil
	}
	b := o.dst[flv.TagHeaderSize:]
	return b[:min(len(b), size)]
}

// split builds the beginning of the tag in dst and the remainder in rest. So most bytes are copied once, or not at all if the message has
// been read to its place.
func (o *flvOut) split(m *session.Message, size int) {
	b, placed := o.dst[o.n:], m.Placed() > 0
	n := min(len(b)-flv.TagHeaderSize, size)
	flv.PutTagHeader(b, flv.TagType(m.Type), size, m.Timestamp)
	m.CopyAt(b[flv.TagHeaderSize:][:n], 0)
	o.n += flv.TagHeaderSize + n
	left := size - n + flv.TagOverhead - flv.TagHeaderSize
	d, ok := chunk.Detached{}, false
	if placed {
		d, ok = m.Detach() // the part that did not fit into its place
	}
	if ok {
		o.detached, o.rest = d, d.Bytes()[chunk.Headroom:]
	} else {
		o.rest = slices.Grow(o.more(), left)[:left]
		m.CopyAt(o.rest[:size-n], n)
	}
	flv.PutPreviousTagSize(o.rest[size-n:], size)
	o.drain()
}

// detach builds the tag in the memory of the message, if the message has its own. It reports whether it has done so.
func (o *flvOut) detach(m *session.Message) bool {
	size := m.Size()
	d, ok := m.Detach()
	if ok {
		o.detached, o.rest, o.off = d, d.Bytes()[chunk.Headroom-flv.TagHeaderSize:], 0
		putTagAround(o.rest, m, size)
	}
	return ok
}

// more returns rest for appending.
func (o *flvOut) more() []byte {
	if o.pooled == nil {
		o.pooled = rests.Get().(*[]byte)
		o.rest = *o.pooled
	}
	return o.rest
}

// prepare collects tags until it is known what the file header must announce. It puts metadata first, even if it arrives after media. Media
// with which that becomes known may be long, so it is not collected but taken like any later media.
func (o *flvOut) prepare(m *session.Message, script bool) {
	var head [64]byte
	begin := head[:min(len(head), m.Size())]
	m.CopyAt(begin, 0)
	known := o.prelude.Add(flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: begin}, m.Size())
	switch {
	case script:
		o.script = appendTag(o.script, m)
	case !known:
		o.media = appendTag(o.media, m)
	}
	if known {
		o.writeHeader()
		if !script {
			o.take(m)
		}
	}
}

// begin writes the file header and the collected tags, if there are any.
func (o *flvOut) begin() {
	if !o.begun && len(o.media)+len(o.script) > 0 {
		o.writeHeader()
	}
}

func (o *flvOut) writeHeader() {
	o.begun = true
	o.rest = append(append(flv.AppendFileHeader(o.more(), o.prelude.Header()), o.script...), o.media...)
	o.script, o.media = nil, nil
	o.drain()
}

// drain copies as much as possible from rest to dst.
func (o *flvOut) drain() {
	n := copy(o.dst[o.n:], o.rest[o.off:])
	o.n += n
	if o.off += n; o.off == len(o.rest) && o.rest != nil {
		o.drop()
	}
}

// drop returns the memory of rest.
func (o *flvOut) drop() {
	o.detached.Release()
	if o.pooled != nil && cap(o.rest) <= keepRest {
		*o.pooled = o.rest[:0]
		rests.Put(o.pooled)
	}
	o.rest, o.off, o.pooled = nil, 0, nil
}

func appendTag(dst []byte, m *session.Message) []byte {
	at, need := len(dst), m.Size()+flv.TagOverhead
	if at+need > cap(dst) {
		grown := make([]byte, at, max(at+need, 2*cap(dst)))
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:at+need]
	putTag(dst[at:], m)
	return dst
}

// putTag makes a whole tag in b, which has exactly the right size.
func putTag(b []byte, m *session.Message) {
	m.CopyTo(b[flv.TagHeaderSize:])
	putTagAround(b, m, m.Size())
}

// putTagAround completes the tag in b, which already contains the body of size bytes.
func putTagAround(b []byte, m *session.Message, size int) {
	flv.PutTagHeader(b, flv.TagType(m.Type), size, m.Timestamp)
	flv.PutPreviousTagSize(b[flv.TagHeaderSize+size:], size)
}
