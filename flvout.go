package rtmp

import (
	"bytes"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// How the bodies of data messages begin.
var (
	// onMetaDataPrefix is metadata's name.
	onMetaDataPrefix = amf.AppendString(nil, "onMetaData")
	// setDataFrame goes in front of metadata that a server is to keep for those who come later.
	setDataFrame = amf.AppendString(nil, "@setDataFrame")
)

// keepRest is the largest buffer kept for what did not fit into a Read, in bytes: room for most key frames.
const keepRest = 1 << 20

// directSize is the smallest body that is worth a write of its own, in bytes.
const directSize = 32 << 10

// rests are buffers for flvOut.rest. All Streams share them, so that key frames allocate nothing and a Stream that waits for the
// next one holds nothing.
var rests = sync.Pool{New: func() any { return new([]byte) }}

// flvOut turns messages into the bytes of an FLV file, directly in the slice that Read was given. A tag that does not fit
// is made in rest and handed out in pieces.
type flvOut struct {
	dst  []byte
	n    int  // bytes in dst
	late bool // the next tag does not fit into what is left of dst
	rest []byte
	off  int // bytes of rest handed out

	direct bool // rest is taken as it is, and what is long goes there

	pooled   *[]byte        // where rest is from; nil: there is no rest, or it is detached
	detached chunk.Detached // where rest is from, if that is a message's own memory

	begun         bool // the file header is out
	prelude       flv.Prelude
	script, media []byte // tags before that
}

func (o *flvOut) has() bool { return o.n > 0 || o.off < len(o.rest) }

func (o *flvOut) full() bool { return o.late || o.n == len(o.dst) || o.off < len(o.rest) }

// fits leaves a tag that would have to be made in rest to the next Read, whose slice may be large enough.
func (o *flvOut) fits(m *session.Message) bool {
	o.late = o.n > 0 && m.Size()+flv.TagOverhead > len(o.dst)-o.n
	return !o.late
}

// take makes a tag of m. As in librtmp, of the data messages only onMetaData becomes one.
func (o *flvOut) take(m *session.Message) {
	size := m.Size()
	if size == 0 || m.Type == message.TypeDataAMF3 {
		return
	}
	script := m.Type == message.TypeDataAMF0
	if script && !bytes.HasPrefix(m.Payload(), onMetaDataPrefix) {
		return
	}
	need := size + flv.TagOverhead
	switch {
	case !o.begun:
		o.prepare(m, script)
	case o.direct && size >= directSize && o.off == len(o.rest) && o.detach(m):
	case o.off == len(o.rest) && need <= len(o.dst)-o.n:
		putTag(o.dst[o.n:o.n+need], m)
		o.n += need
	case o.off == len(o.rest) && o.detach(m):
		o.drain()
	default:
		o.rest = appendTag(o.more(), m)
		o.drain()
	}
}

// detach makes the tag where the message lies, if that is memory of its own.
func (o *flvOut) detach(m *session.Message) bool {
	size := m.Size()
	d, ok := m.Detach()
	if ok {
		o.detached, o.rest, o.off = d, d.Bytes()[chunk.Headroom-flv.TagHeaderSize:], 0
		putTagAround(o.rest, m, size)
	}
	return ok
}

// more is rest, to be appended to.
func (o *flvOut) more() []byte {
	if o.pooled == nil {
		o.pooled = rests.Get().(*[]byte)
		o.rest = *o.pooled
	}
	return o.rest
}

// prepare collects tags until the file header is known. Metadata goes first even when it comes late.
func (o *flvOut) prepare(m *session.Message, script bool) {
	if script {
		o.script = appendTag(o.script, m)
	} else {
		o.media = appendTag(o.media, m)
	}
	if o.prelude.Add(flv.TagType(m.Type), m.Timestamp, m.Size()) {
		o.begin()
	}
}

// begin puts out the file header and what was collected, if anything was.
func (o *flvOut) begin() {
	if o.begun || len(o.media)+len(o.script) == 0 {
		return
	}
	o.begun = true
	o.rest = append(append(flv.AppendFileHeader(o.more(), o.prelude.Header()), o.script...), o.media...)
	o.script, o.media = nil, nil
	o.drain()
}

// drain moves what it can from rest to dst.
func (o *flvOut) drain() {
	n := copy(o.dst[o.n:], o.rest[o.off:])
	o.n += n
	if o.off += n; o.off == len(o.rest) && o.rest != nil {
		o.drop()
	}
}

// drop gives the memory of rest back.
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

// putTag makes a whole tag in b, which has exactly its size.
func putTag(b []byte, m *session.Message) {
	m.CopyTo(b[flv.TagHeaderSize:])
	putTagAround(b, m, m.Size())
}

// putTagAround makes a whole tag of b, in which the body of size bytes lies already.
func putTagAround(b []byte, m *session.Message, size int) {
	flv.PutTagHeader(b, flv.TagType(m.Type), size, m.Timestamp)
	flv.PutPreviousTagSize(b[flv.TagHeaderSize+size:], size)
}
