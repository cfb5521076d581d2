package server

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Stream is a stream that a Handler serves. If the client publishes, it is an io.Reader of FLV, and if the client plays, an io.Writer
// of FLV. One goroutine at a time may read and one may write; the other methods may be called from any goroutine.
type Stream struct {
	Request *Request

	h    *handling
	file flvReader // owned by the goroutine that reads

	parser flv.Parser     // owned by the goroutine that writes
	tag    flv.Tag        // owned by the goroutine that writes
	out    chunk.Outgoing // owned by the goroutine that writes

	read, write deadline
}

func newStream(h *handling) *Stream {
	s := &Stream{Request: h.request, h: h}
	s.read.wake, s.write.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	return s
}

// deadline is the deadline of reads or of writes; zero if there is none.
type deadline struct {
	wake chan struct{} // signalled when at has changed

	mu sync.Mutex
	at time.Time
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	d.at = t
	d.mu.Unlock()
	session.Signal(d.wake)
}

// get returns the deadline, and an error if it has passed.
func (d *deadline) get() (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.at.IsZero() && !time.Now().Before(d.at) {
		return d.at, &session.TimeoutError{What: "stream"}
	}
	return d.at, nil
}

// wait waits for event, the deadline, or the end of ctx.
func (d *deadline) wait(ctx context.Context, event <-chan struct{}) error {
	at, err := d.get()
	if err != nil {
		return err
	}
	var expired <-chan time.Time
	if !at.IsZero() {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-event:
		return nil
	case <-d.wake:
		return nil
	case <-expired:
		return &session.TimeoutError{What: "stream"}
	case <-ctx.Done():
		return nil
	}
}

// SetReadDeadline sets the deadline of Read, WriteTo and ReadPacket, including calls in progress. The zero time removes it.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.read.set(t)
	return nil
}

// SetWriteDeadline sets the deadline of Write, ReadFrom, WritePacket and WriteData, including calls in progress. The zero time removes it.
// If the deadline passes in the middle of a chunk, the connection ends.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.write.set(t)
	s.h.stream.conn.session.InterruptWrite(s.asWriter())
	return nil
}

// next passes the next published message to into. The error is io.EOF if the client has ended the stream, os.ErrDeadlineExceeded after the
// deadline, or the error that has ended the connection.
func (s *Stream) next(into func(m *session.Message)) error {
	h := s.h
	if h.in == nil {
		return errNotPublished
	}
	h.begin()
	for {
		var pass bool
		ok, over := h.in.pop(func(m *session.Message) {
			if pass = h.app.media(h.request, m); pass {
				h.bytes.Add(uint64(m.Size()))
				into(m)
			}
		})
		switch {
		case ok && pass:
			return nil
		case ok:
			continue
		case over != nil:
			return over
		}
		if err := s.read.wait(context.Background(), h.in.wake); err != nil {
			return err
		}
	}
}

// ReadPacket reads the next audio, video or data message as the client sent it. It reuses the memory of p.Body. Do not mix ReadPacket with
// Read. The error is io.EOF if the client has ended the stream, and the connection's error if the connection was lost.
func (s *Stream) ReadPacket(p *message.Packet) error {
	return s.next(func(m *session.Message) { m.CopyPacket(p) })
}

// Read reads the published stream as an FLV file, with the client's timestamps. The errors are those of ReadPacket.
func (s *Stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for !s.file.ready() {
		err := s.next(func(m *session.Message) {
			if tag, ok := tagOf(m); ok {
				s.file.add(tag)
			}
		})
		if err != nil {
			s.file.flush()
			if !s.file.ready() {
				return 0, err
			}
		}
	}
	return s.file.read(b), nil
}

// WriteTo writes the published stream as an FLV file to w until the client ends it, which is not an error. io.Copy uses it.
func (s *Stream) WriteTo(w io.Writer) (int64, error) { return writeAll(w, s.Read) }

// writingStream makes a Stream a session.Writer.
type writingStream Stream

func (s *Stream) asWriter() session.Writer { return (*writingStream)(s) }

// WriteLimit returns the deadline of a write, and an error if the write must end now.
func (w *writingStream) WriteLimit() (time.Time, error) {
	s := (*Stream)(w)
	if s.h.ctx.Err() != nil {
		return time.Time{}, s.over()
	}
	return s.write.get()
}

// WriteWake returns a channel that is signalled when the result of WriteLimit has changed.
func (w *writingStream) WriteWake() <-chan struct{} { return (*Stream)(w).write.wake }

// over returns the reason why the stream has ended, or nil.
func (s *Stream) over() error {
	if err := s.h.stream.conn.Err(); err != nil {
		return err
	}
	return fmt.Errorf("rtmp: stream: %w", io.ErrClosedPipe)
}

// mayWrite waits while the client has paused the stream.
func (s *Stream) mayWrite() error {
	if s.h.play == nil {
		return errNotPlayed
	}
	s.h.begin()
	for {
		passage := s.h.gate.passage()
		select {
		case <-passage:
			return nil
		default:
		}
		if s.h.ctx.Err() != nil {
			return s.over()
		}
		if err := s.write.wait(s.h.ctx, passage); err != nil {
			return err
		}
	}
}

// Write plays FLV bytes to the client. Tags may be split anywhere between calls. When Write returns, all complete tags have been written to
// the connection. While the client has paused the stream, Write blocks, unless Control has been called.
func (s *Stream) Write(b []byte) (n int, err error) {
	if err := s.mayWrite(); err != nil {
		return 0, err
	}
	batch, err := s.h.stream.conn.session.Begin(s.asWriter())
	if err != nil {
		return 0, err
	}
	n, err = s.writeTags(b, &batch)
	return n, batch.End(err)
}

func (s *Stream) writeTags(b []byte, batch *session.Batch) (n int, err error) {
	return session.WriteTags(b, &s.parser, &s.tag, "rtmp: stream", func() error {
		s.out = session.Encode(message.Type(s.tag.Type), s.h.stream.id, s.tag.Timestamp, s.tag.Body)
		return s.add(batch)
	})
}

// add adds s.out to the batch, unless App.Deliver rejects it.
func (s *Stream) add(batch *session.Batch) error {
	h := s.h
	if !h.app.deliver(h.request, flv.Tag{Type: flv.TagType(s.out.Type), Timestamp: s.out.Timestamp, Body: s.out.Body}) {
		return nil
	}
	h.bytes.Add(uint64(len(s.out.Body)))
	return batch.Add(&s.out)
}

// ReadFrom plays an FLV file or stream to the client until its end; io.Copy uses it. If r ends inside a tag, the error wraps
// io.ErrUnexpectedEOF.
func (s *Stream) ReadFrom(r io.Reader) (int64, error) {
	return session.ReadTags(r, copyBuffer, s.Write, &s.parser)
}

// WritePacket plays an audio, video or data message. It uses p's Type, Timestamp (in milliseconds) and Body. It does not keep the Body.
func (s *Stream) WritePacket(p *message.Packet) error {
	if !p.Type.Media() {
		return fmt.Errorf("rtmp: stream: %s is not media: use Conn.SendPacket", p.Type)
	}
	if err := s.mayWrite(); err != nil {
		return err
	}
	batch, err := s.h.stream.conn.session.Begin(s.asWriter())
	if err != nil {
		return err
	}
	s.out = session.Encode(p.Type, s.h.stream.id, p.Timestamp, p.Body)
	return batch.End(s.add(&batch))
}

// WriteData plays a data message, such as onTextData, with the timestamp of the message written last.
func (s *Stream) WriteData(name string, args ...any) error {
	body, err := message.AppendData(nil, message.TypeDataAMF0, name, args...)
	if err != nil {
		return fmt.Errorf("rtmp: stream: %w", err)
	}
	return s.WritePacket(&message.Packet{Type: message.TypeDataAMF0, Timestamp: s.out.Timestamp, Body: body})
}

// Control returns a channel that receives the requests of a client that plays. The server has already answered pause requests. A Handler
// that calls Control must itself stop writing while the stream is paused. It must answer a seek request with the Status
// NetStream.Seek.Notify.
func (s *Stream) Control() <-chan Control {
	s.h.steered.Store(true)
	s.h.gate.set(false)
	return s.h.controls
}

// Status sends an onStatus.
func (s *Stream) Status(level, code, description string) error {
	return s.h.stream.status(level, code, description)
}
