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

// streamWriter is the half of a Stream that publishes: it passes media from Write, ReadFrom and WritePacket to the connection.
type streamWriter struct {
	*streamState
	sending *session.SendQueue // nil if the stream plays
	written atomic.Uint32      // timestamp of the newest audio or video in ms

	in      flv.Parser     // parser of Write and ReadFrom; owned by the goroutine that writes
	tag     flv.Tag        // owned by the goroutine that writes
	message chunk.Outgoing // owned by the goroutine that writes

	// The fields below are guarded by streamState.mu.
	published     bool     // the server has accepted publish
	unclaimed     *request // the publish request that Connect has sent, until CreateStream takes it over; nil if there is none
	writeDeadline time.Time
}

func (s *streamWriter) init(state *streamState) {
	s.streamState = state
	if state.options.Writable {
		s.sending = state.conn.session.NewSendQueue(state.conn.opts.SendQueue)
	}
}

// beginPublishing starts sending after the server has accepted publish. It does nothing for a stream that plays.
func (s *streamWriter) beginPublishing() error {
	if !s.options.Writable {
		return nil
	}
	c := s.conn
	s.mu.Lock()
	err := s.err
	if err == nil { // the stream was not closed meanwhile
		s.published, s.unclaimed = true, nil
		c.farewell.publishing.Add(1)
		c.farewell.unended.Add(1)
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

// Write publishes FLV. Tags may be split between calls at any byte, and file headers are skipped. All tags that p completes are
// sent before Write returns, or queued if Options.SendQueue is set. onMetaData is sent as @setDataFrame, and timestamps are
// sent as they are.
//
// If the network is slow, Write blocks. If a deadline ends Write in the middle of a chunk, the connection ends. If it ends Write at another
// point, the returned count says how much of p was published, and the rest can be written later. If the server has ended the stream, the
// error is a *StatusError.
func (s *streamWriter) Write(p []byte) (int, error) {
	if !s.options.Writable {
		return 0, ErrNotWritable
	}
	n, err := s.write(p)
	return n, s.explained(err)
}

// write is Write without the server's reason for an error.
func (s *streamWriter) write(p []byte) (int, error) {
	if s.sending.Drops() {
		// Enqueue does not check the limit again: a tag that it refused would be lost, since its bytes count as written.
		if _, err := s.asWriter().WriteLimit(); err != nil {
			return 0, err
		}
		return s.writeTags(p, func(o *chunk.Outgoing) error { return s.sending.Enqueue(nil, o) })
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

// writeTags passes the messages in p to put.
func (s *streamWriter) writeTags(p []byte, put func(*chunk.Outgoing) error) (n int, err error) {
	return session.WriteTags(p, &s.in, &s.tag, "rtmp: publish", func() error {
		s.message = s.outgoing(message.Type(s.tag.Type), s.tag.Timestamp, s.tag.Body)
		return put(&s.message)
	})
}

// outgoing returns a media message of this stream.
func (s *streamWriter) outgoing(t message.Type, timestamp uint32, body []byte) chunk.Outgoing {
	if t == message.TypeDataAMF0 && bytes.HasPrefix(body, onMetaDataPrefix) {
		body = slices.Concat(setDataFrame, body)
	}
	if t == message.TypeAudio || t == message.TypeVideo {
		s.written.Store(timestamp)
	}
	return session.Encode(t, s.id, timestamp, body)
}

// ReadFrom publishes FLV from r until r returns io.EOF. io.Copy uses ReadFrom. It sends as fast as r can be read: use flv.NewPacedReader to
// send a recording at its own speed. If r ends within a tag, the error wraps io.ErrUnexpectedEOF, and everything before that tag was sent.
func (s *streamWriter) ReadFrom(r io.Reader) (int64, error) {
	if !s.options.Writable {
		return 0, ErrNotWritable
	}
	return session.ReadTags(r, readFromBuffer, s.Write, &s.in)
}

// WritePacket publishes an audio, video or data message. It uses p.Type, p.Timestamp in milliseconds, and p.Body, which it copies. It
// returns before the message has been sent, and blocks only while too much media waits to be sent. If sending fails, the next call and
// Close return the error. Conn.Call and Conn.SendPacket wait until earlier packets have been sent. Several goroutines may call WritePacket
// at the same time, such as one for video and one for audio.
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
		session.Signal(s.writeWake) // the error also ends another write that waits
	}
	return s.explained(err)
}

// explained returns err, the error of a write. If the server has ended the stream, and then perhaps the connection, it returns the server's
// reason instead.
func (s *streamWriter) explained(err error) error {
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || s.err == errStreamClosed {
		return err
	}
	return s.err
}

// WriteData publishes a data message, such as onMetaData or onCuePoint. The args are values that amf.AppendAMF0 accepts. The message has the
// timestamp of the newest audio or video message that was written. onMetaData is sent as @setDataFrame, which servers keep for players that
// join later. Otherwise WriteData is like WritePacket.
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

// SetWriteDeadline sets the deadline of Write, ReadFrom and WritePacket, including calls in progress. The zero time means no deadline.
// A Write or ReadFrom that waits for a slow network is usually in the middle of a chunk. If the deadline ends it there, the connection ends,
// and Conn.Err is not nil. A WritePacket that the deadline ends has queued nothing and may be repeated; the connection continues.
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

// rouseWriter makes a write in progress check the state.
func (s *streamWriter) rouseWriter() {
	session.Signal(s.writeWake)
	s.conn.session.InterruptWrite(s.asWriter())
}

// closeGrace returns how long the closing of a published stream waits for a network that accepts no byte.
func (s *streamWriter) closeGrace() time.Duration {
	if _, late := s.asWriter().WriteLimit(); late != nil {
		return closeGrace
	}
	return stallGrace
}

// writeLimits implements session.Writer for a streamWriter.
type writeLimits streamWriter

func (s *streamWriter) asWriter() session.Writer { return (*writeLimits)(s) }

// WriteLimit returns the deadline of a write, or zero if there is none. It returns an error if the write must end now.
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

// WriteWake is signalled when the result of WriteLimit has changed.
func (s *writeLimits) WriteWake() <-chan struct{} { return s.writeWake }
