package rtmp

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// gatherSize is how many bytes of chunks leave with one system call, if there are so many.
	gatherSize = 128 << 10
	// readFromBuffer is what ReadFrom reads at a time, in bytes.
	readFromBuffer = 256 << 10
)

// setDataFrame goes in front of metadata that a server is to keep for those who come later.
var setDataFrame = amf.AppendString(nil, "@setDataFrame")

// Write publishes FLV bytes. Tags may be split anywhere between calls; file headers are skipped wherever a tag can begin.
// Everything that is complete in p leaves before Write returns, with as few system calls as possible, unless
// Options.SendQueue is set: then it is queued. onMetaData is sent as @setDataFrame; timestamps are sent as they are.
//
// A slow network blocks Write. A deadline that ends it in the middle of a chunk ends the connection. Otherwise the count says
// how much of p was published; the rest can be written later. The error is a *StatusError when the server has ended the stream.
func (s *Stream) Write(p []byte) (int, error) {
	if !s.options.Writable {
		return 0, ErrNotWritable
	}
	if s.sending.drops() {
		return s.writeTags(p, s.enqueue)
	}
	if err := s.drained(); err != nil {
		return 0, err
	}
	c := s.conn
	who := writer{stream: s}
	if err := c.lockWrites(who); err != nil {
		return 0, err
	}
	defer func() { <-c.out.lock }()
	b := batch{c: c, who: who}
	n, err := s.writeTags(p, b.add)
	if b.err == nil {
		b.flush()
	}
	if b.err != nil {
		return n, c.fail(b.err)
	}
	return n, err
}

// writeTags gives the messages in p to put.
func (s *Stream) writeTags(p []byte, put func(*chunk.Outgoing) error) (n int, err error) {
	for n < len(p) {
		k, ok, err := s.in.Parse(p[n:], &s.tag)
		n += k
		if err != nil {
			return n, fmt.Errorf("rtmp: publish: %w", err)
		}
		if !ok {
			break
		}
		s.message = s.outgoing(message.Type(s.tag.Type), s.tag.Timestamp, s.tag.Body)
		if err := put(&s.message); err != nil {
			return n, err
		}
	}
	return n, nil
}

// outgoing is a media message of this stream.
func (s *Stream) outgoing(t message.Type, timestamp uint32, body []byte) chunk.Outgoing {
	if t == message.TypeDataAMF0 && bytes.HasPrefix(body, onMetaDataPrefix) {
		body = append(append(s.metadataOut[:0], setDataFrame...), body...)
		s.metadataOut = body
	}
	return session.Encode(t, s.id, timestamp, body)
}

// batch gathers messages in the connection's write buffer. Its owner holds the write lock.
type batch struct {
	c   *Conn
	who writer
	err error // of the connection
}

func (b *batch) add(o *chunk.Outgoing) error {
	w := &b.c.out
	if len(w.buf) == 0 {
		w.begin()
	}
	var err error
	if w.buf, err = w.chunks.AppendMessage(w.buf, o); err != nil {
		return err
	}
	if len(w.buf) < gatherSize {
		return nil
	}
	if b.flush(); b.err == nil {
		_, err = b.who.limit() // the last moment to stop without harm: everything that was encoded has left
		return err
	}
	return b.err
}

func (b *batch) flush() {
	w := &b.c.out
	buf := w.buf
	w.buf = buf[:0]
	if cap(buf) > 2*gatherSize {
		w.buf = nil
	}
	if len(buf) > 0 {
		b.err = b.c.writeOut(b.who, buf)
	}
}

// ReadFrom publishes an FLV file or stream until its end; io.Copy uses it. What one Read brings leaves at once: see
// flv.NewPacedReader for sending a recording at its own speed. A source that ends inside a tag is an error that wraps
// io.ErrUnexpectedEOF; everything before that was sent.
func (s *Stream) ReadFrom(r io.Reader) (int64, error) {
	if !s.options.Writable {
		return 0, ErrNotWritable
	}
	buf := make([]byte, readFromBuffer)
	var total int64
	for {
		n, err := r.Read(buf)
		if n > 0 {
			written, werr := s.Write(buf[:n])
			total += int64(written)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, s.in.End()
		}
		if err != nil {
			return total, err
		}
	}
}

// WritePacket publishes an audio, video or data message: p's Type, Timestamp (message time, milliseconds) and Body count,
// and Body is copied. It returns at once unless much waits to be sent; packets that come while others are on their way
// leave together. What goes wrong then is returned by the next call and by Close.
func (s *Stream) WritePacket(p *Packet) error {
	if !s.options.Writable {
		return ErrNotWritable
	}
	if !p.Type.Media() {
		return fmt.Errorf("rtmp: publish: %s is no media: use Conn.SendPacket", p.Type)
	}
	s.packetOut = s.outgoing(p.Type, p.Timestamp, p.Body)
	return s.enqueue(&s.packetOut)
}

// SetWriteDeadline bounds Write, ReadFrom and WritePacket, also one under way. The zero time removes the bound. Writing
// that is cut off in the middle of a chunk can't be resumed: the connection ends.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	if !s.options.Writable {
		return ErrNotWritable
	}
	s.mu.Lock()
	s.writeDeadline = t
	s.mu.Unlock()
	s.rouseWriter()
	return nil
}

// rouseWriter makes a write of this stream that is under way look at the stream's state.
func (s *Stream) rouseWriter() {
	select {
	case s.writeWake <- struct{}{}:
	default:
	}
	s.conn.out.rouse(s.conn.nc, s)
}

// waitToWrite waits for the write lock or for an event, one of which is nil, as long as s may write.
func (s *Stream) waitToWrite(lock chan<- struct{}, event <-chan struct{}) error {
	for {
		deadline, err := s.writeLimit()
		if err != nil {
			return err
		}
		var expired <-chan time.Time
		if !deadline.IsZero() {
			timer := time.NewTimer(time.Until(deadline))
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case lock <- struct{}{}:
			return nil
		case <-event:
			return nil
		case <-s.conn.done:
			return s.conn.Err()
		case <-expired:
			return &session.TimeoutError{What: "write"}
		case <-s.writeWake:
		}
	}
}

// writeLimit is when a write of s has to end, zero: never, and what has ended it already.
func (s *Stream) writeLimit() (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.err
	if err == nil && !s.writeDeadline.IsZero() && !time.Now().Before(s.writeDeadline) {
		err = &session.TimeoutError{What: "write"}
	}
	return s.writeDeadline, err
}
