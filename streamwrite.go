package rtmp

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// readFromBuffer is how much ReadFrom reads at a time, in bytes.
const readFromBuffer = 256 << 10

// streamWriter is the half of a Stream that publishes: media on its way from Write, ReadFrom and WritePacket to the connection.
type streamWriter struct {
	*streamState
	sending   *session.SendQueue
	writeWake chan struct{} // signalled when a write under way has to look at the state
	written   atomic.Uint32 // the time of the newest audio or video, ms

	in      flv.Parser     // of Write and ReadFrom; owned by the goroutine that writes
	tag     flv.Tag        // likewise
	message chunk.Outgoing // likewise

	// Guarded by streamState.mu:
	published     bool     // the server has agreed to our publishing
	unclaimed     *request // what Connect has asked the server to let us publish, until CreateStream takes it; nil: nothing
	writeDeadline time.Time
}

// beginPublishing begins to send what is written, once the server has agreed. It does nothing for a stream that plays.
func (s *streamWriter) beginPublishing() error {
	if !s.options.Writable {
		return nil
	}
	c := s.conn
	s.mu.Lock()
	err := s.err
	if err == nil { // not closed meanwhile
		s.published, s.unclaimed = true, nil
		c.farewell.publishing.Add(1)
		c.farewell.published.Store(true)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	c.session.StartStanding()
	if !s.sending.Start(s.id) {
		return c.Err()
	}
	return nil
}

// Write publishes FLV bytes. Tags may be split anywhere between calls; file headers are skipped wherever a tag can begin.
// Everything that is complete in p leaves before Write returns, with as few system calls as possible, unless
// Options.SendQueue is set: then it is queued. onMetaData is sent as @setDataFrame; timestamps are sent as they are.
//
// A slow network blocks Write. A deadline that ends it in the middle of a chunk ends the connection. Otherwise the count says
// how much of p was published; the rest can be written later. The error is a *StatusError when the server has ended the stream.
func (s *streamWriter) Write(p []byte) (int, error) {
	if !s.options.Writable {
		return 0, ErrNotWritable
	}
	if s.sending.Drops() {
		return s.writeTags(p, s.enqueue)
	}
	if err := s.sending.Drained(s.asWriter()); err != nil {
		return 0, err
	}
	b, err := s.conn.session.Begin(s.asWriter())
	if err != nil {
		return 0, err
	}
	n, err := s.writeTags(p, b.Add)
	return n, b.End(err)
}

func (s *streamWriter) enqueue(o *chunk.Outgoing) error { return s.sending.Enqueue(s.asWriter(), o) }

// writeTags gives the messages in p to put.
func (s *streamWriter) writeTags(p []byte, put func(*chunk.Outgoing) error) (n int, err error) {
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
func (s *streamWriter) outgoing(t message.Type, timestamp uint32, body []byte) chunk.Outgoing {
	if t == message.TypeDataAMF0 && bytes.HasPrefix(body, onMetaDataPrefix) {
		body = slices.Concat(setDataFrame, body)
	}
	if t == message.TypeAudio || t == message.TypeVideo {
		s.written.Store(timestamp)
	}
	return session.Encode(t, s.id, timestamp, body)
}

// ReadFrom publishes an FLV file or stream until its end; io.Copy uses it. What one Read brings leaves at once: see
// flv.NewPacedReader for sending a recording at its own speed. A source that ends inside a tag is an error that wraps
// io.ErrUnexpectedEOF; everything before that was sent.
func (s *streamWriter) ReadFrom(r io.Reader) (int64, error) {
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
// leave together. What goes wrong then is returned by the next call and by Close. Several goroutines may call it at a time, such as
// an encoder's for video and one for audio.
func (s *streamWriter) WritePacket(p *Packet) error {
	if !s.options.Writable {
		return ErrNotWritable
	}
	if !p.Type.Media() {
		return fmt.Errorf("rtmp: publish: %s is not media: use Conn.SendPacket", p.Type)
	}
	o := s.outgoing(p.Type, p.Timestamp, p.Body)
	err := s.enqueue(&o)
	if err != nil {
		signal(s.writeWake) // another may wait beside us, whom the same concerns
	}
	return err
}

// WriteData publishes a data message, such as onMetaData or onCuePoint: name and values, which may be what amf.AppendAMF0 takes. Its
// time is that of the newest audio or video that was written. onMetaData is sent as @setDataFrame, which servers keep for those who
// come later. For the rest it is as WritePacket.
func (s *streamWriter) WriteData(name string, args ...any) error {
	if !s.options.Writable {
		return ErrNotWritable
	}
	o, err := session.Data(s.id, name, args...)
	if err != nil {
		return err
	}
	return s.WritePacket(&Packet{Type: message.TypeDataAMF0, Timestamp: s.written.Load(), Body: o.Body})
}

// SetWriteDeadline bounds Write, ReadFrom and WritePacket, also one under way. The zero time removes the bound. Writing
// that is cut off in the middle of a chunk can't be resumed: the connection ends.
func (s *streamWriter) SetWriteDeadline(t time.Time) error {
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
func (s *streamWriter) rouseWriter() {
	signal(s.writeWake)
	s.conn.session.InterruptWrite(s.asWriter())
}

// writeLimits is a streamWriter as the session sees it: a session.Writer.
type writeLimits streamWriter

func (s *streamWriter) asWriter() session.Writer { return (*writeLimits)(s) }

// WriteLimit is when a write of s has to end, zero: never, and what has ended it already.
func (s *writeLimits) WriteLimit() (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.err
	if err == nil {
		err = s.bound("write")
	}
	if err == nil && !s.writeDeadline.IsZero() && !time.Now().Before(s.writeDeadline) {
		err = &session.TimeoutError{What: "write"}
	}
	return s.writeDeadline, err
}

// WriteWake is signalled when that has changed.
func (s *writeLimits) WriteWake() <-chan struct{} { return s.writeWake }
