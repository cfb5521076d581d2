package rtmp

import (
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// streamReader is the half of a Stream that plays: it passes media from the connection to Read, WriteTo and ReadPacket.
type streamReader struct {
	*streamState

	mediaTimeout time.Duration // Options.MediaTimeout

	waiter session.Waiter // waiter of Read, ReadPacket and WriteTo; owned by the goroutine that reads
	out    flvOut         // owned by the goroutine that reads
	packet packetSink     // owned by the goroutine that reads

	// The fields below are guarded by streamState.mu.
	sink         sink               // destination of media for the goroutine that reads
	parked       bool               // the goroutine that reads waits for another goroutine, which may pass media to sink
	queue        session.MediaQueue // media that another goroutine has read from the connection
	readDeadline time.Time
	mediaDue     time.Time        // when the read in progress must end (mediaTimeout)
	backlog      *session.Backlog // of queue
	front        session.Message  // front of queue, in handOver; a local variable would be allocated for each message
}

func (s *streamReader) init(state *streamState) {
	s.streamState = state
	c := state.conn
	s.mediaTimeout = c.opts.MediaTimeout
	s.waiter = session.Waiter{What: "read", Idle: max(0, c.opts.Timeout), Wake: state.readWake, Sink: s.asSink(), Taker: s.asSink()}
	s.backlog = c.session.NewBacklog(c.opts.MaxQueue, func() string { return s.opening("stream " + strconv.Itoa(int(s.id))) })
}

// sink receives media for a goroutine that reads the stream: as FLV bytes or as a Packet. Only that goroutine calls the sink, while it
// dispatches a message or holds the stream's lock. While that goroutine is parked, the reader of the connection calls the sink instead, with
// the stream's lock held.
type sink interface {
	take(m *session.Message) (full bool) // returns what full then returns
	full() bool                          // the call accepts no more
	fits(m *session.Message) bool        // the call accepts m; otherwise the next call does
	has() bool                           // there is enough for the call to return
	place(size int) []byte               // memory for the beginning of the next message, which will have size bytes; nil if there is none
}

// receive takes a media message that has been read from the connection. direct reports whether the goroutine that read it is the one in this
// stream's Read, ReadPacket or WriteTo; otherwise that goroutine must be woken.
func (s *streamReader) receive(m *session.Message, direct bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	av := m.Type == message.TypeAudio || m.Type == message.TypeVideo
	if s.err != nil || s.seeking() || s.options.Writable {
		return
	}
	if av {
		s.flows = true
		s.position = m.Timestamp
		if !s.started {
			s.begin()
		}
	}
	if (direct || s.parked) && s.queue.Len() == 0 && !s.sink.full() {
		s.sink.take(m)
	} else {
		s.queue.Push(m)
		s.backlog.Queued(s.queue.Len())
	}
	if !direct {
		s.conn.session.WakeAfter(s.readWake)
	}
}

// discard empties the queue. The caller holds s.mu.
func (s *streamReader) discard() {
	s.queue.Clear()
	s.backlog.Queued(0)
}

func (s *streamReader) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.Len()
}

// next waits until dst has enough for the call to return. The error says why the stream has ended.
func (s *streamReader) next(dst sink) error {
	if s.options.Writable {
		return errNotReadable
	}
	var due time.Time
	if s.mediaTimeout > 0 {
		due = time.Now().Add(s.mediaTimeout)
	}
	s.mu.Lock()
	s.sink, s.mediaDue = dst, due
	for {
		err := s.bound("read")
		if err == nil {
			if s.handOver(); !dst.has() {
				if err = s.over(); err == nil {
					s.conn.session.TakeBuffered(&s.waiter) // s.mu is the lock of the Taker
				}
			}
		}
		s.mu.Unlock()
		if err != nil || dst.has() {
			return err
		}
		err = s.conn.session.Read(&s.waiter)
		if dst.has() {
			return nil
		}
		s.mu.Lock()
		if err != nil {
			over := s.over()
			s.mu.Unlock()
			if over != nil {
				return over
			}
			return err
		}
	}
}

// handOver passes the queued media to the sink. The caller holds s.mu.
func (s *streamReader) handOver() {
	if s.queue.Len() == 0 {
		return
	}
	for s.queue.Len() > 0 && !s.sink.full() {
		s.front = s.queue.Front()
		s.sink.take(&s.front)
		s.queue.Pop()
	}
	s.front = session.Message{} // otherwise the queue's memory could not be freed
	s.backlog.Queued(s.queue.Len())
}

// over returns why the stream has ended; the end of the stream takes precedence over the end of the connection. While media is queued, over
// returns nil: since the caller last looked at the queue, another reader may have queued media and then received the end. The caller holds
// s.mu.
func (s *streamReader) over() error {
	switch {
	case s.queue.Len() > 0:
		return nil
	case s.err == nil && s.atEnd():
		return io.EOF
	}
	return s.err
}

// checkOver is over for a caller that does not hold s.mu.
func (s *streamReader) checkOver() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over()
}

// streamSink implements session.Sink and session.Taker for a streamReader.
type streamSink streamReader

func (s *streamReader) asSink() *streamSink { return (*streamSink)(s) }

// Ready reports whether Read has something to return, in the sink or in the queue.
func (s *streamSink) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Enough()
}

// Park records whether the goroutine that reads the stream is waiting for another reader. While parked is true, that reader may use the sink.
func (s *streamSink) Park(parked bool) {
	s.mu.Lock()
	s.parked = parked
	s.mu.Unlock()
}

// Lock acquires the lock of the stream.
func (s *streamSink) Lock() { s.mu.Lock() }

// Unlock releases the lock.
func (s *streamSink) Unlock() { s.mu.Unlock() }

// Enough returns what Ready does. The caller holds s.mu.
func (s *streamSink) Enough() bool { return s.sink.has() || (*streamReader)(s).ready() }

// Take passes a message of this stream directly to the sink, if nothing else depends on the message. It declines the first message, which
// starts the stream and so must be dispatched.
func (s *streamSink) Take(m *session.Message) session.Verdict {
	if !s.takes(m.StreamID) {
		return session.Declined
	}
	if !s.sink.fits(m) {
		return session.Later
	}
	s.conn.clock.mediaArrived(s.conn.counts.BytesRead.Load())
	s.position = m.Timestamp
	if s.sink.take(m) {
		return session.Last
	}
	return session.Taken
}

// takes reports whether audio and video of the message stream streamID may be passed directly to the sink.
func (s *streamSink) takes(streamID uint32) bool {
	return streamID == s.id && s.flows && s.err == nil && !s.seeking() && s.queue.Len() == 0
}

// Place returns the sink's memory for the payload of a message that Take would accept.
func (s *streamSink) Place(streamID uint32, size int) []byte {
	if !s.mu.TryLock() {
		return nil
	}
	defer s.mu.Unlock()
	if !s.takes(streamID) {
		return nil
	}
	return s.sink.place(size)
}

// Room reports whether the call in progress accepts more of the messages that have already arrived, although it could return.
func (s *streamSink) Room() bool { return !s.sink.full() }

// Deadline returns the deadline of SetReadDeadline or of Options.MediaTimeout, whichever is earlier.
func (s *streamSink) Deadline() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.readDeadline; !d.IsZero() && (s.mediaDue.IsZero() || d.Before(s.mediaDue)) {
		return d
	}
	return s.mediaDue
}

func (s *streamSink) Backlog() *session.Backlog { return s.backlog }

// Ready reports whether ReadPacket would return at once, because a message is queued or the stream has ended. It is for programs that
// read the connection themselves, with Conn.ReadPacket and HandlePacket.
func (s *streamReader) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready()
}

// ready is Ready for a caller that holds s.mu.
func (s *streamReader) ready() bool {
	return s.queue.Len() > 0 || s.atEnd() || s.err != nil || s.bindings.Err() != nil
}

// SetReadDeadline sets the deadline of Read, WriteTo and ReadPacket, including a call in progress. The zero time means no deadline. A
// timeout loses nothing: the program can call the method again.
func (s *streamReader) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	s.readDeadline = t
	s.mu.Unlock()
	s.rouse()
	return nil
}

// rouse makes a read in progress check the state, whether it reads the socket itself or waits for another reader.
func (s *streamReader) rouse() {
	session.Signal(s.readWake)
	s.conn.session.Interrupt(&s.waiter)
}

// Read reads the stream as an FLV file: the file header, the metadata, and a tag for each audio and video message, with the
// server's timestamps. It returns io.EOF only when the server has signalled the end; if the connection is lost, the error is
// io.ErrUnexpectedEOF. After Options.Timeout or a deadline, Read can be called again.
func (s *streamReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	o := &s.out
	o.dst, o.n = p, 0
	defer func() { o.dst = nil }()
	o.drain()
	if o.n > 0 {
		return o.n, nil
	}
	err := s.next(o)
	if o.n == 0 && err != nil && (s.checkOver() != nil || s.conn.Err() != nil) {
		o.begin() // write the tags that waited for the file header, since no more will follow
		if o.n > 0 {
			err = nil
		}
	}
	return o.n, err
}

// writeToBuffer is how much WriteTo gathers for one write, in bytes. It is a little more than one read of the socket returns.
const writeToBuffer = 128 << 10

// WriteTo writes the stream to w as an FLV file, until the server signals the end. The error is then nil. io.Copy uses WriteTo.
func (s *streamReader) WriteTo(w io.Writer) (int64, error) {
	o, buf := &s.out, make([]byte, writeToBuffer)
	o.direct = true
	defer func() { o.direct = false }()
	var total int64
	write := func(b []byte) error {
		if len(b) == 0 {
			return nil
		}
		n, err := w.Write(b)
		total += int64(n)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		return err
	}
	for {
		n, err := s.Read(buf)
		werr := write(buf[:n])
		if werr == nil {
			werr = write(o.rest[o.off:])
			o.drop()
		}
		switch {
		case werr != nil:
			return total, werr
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// ReadPacket reads the next audio, video or data message into p and reuses the memory of p.Body. It also returns data messages that Read
// leaves out, such as |RtmpSampleAccess. Do not mix it with Read. The errors are those of Read; that memory may have changed then.
func (s *streamReader) ReadPacket(p *Packet) error {
	s.packet = packetSink{p: p}
	err := s.next(&s.packet)
	s.packet.p = nil
	return err
}

// packetSink is the sink of ReadPacket. It accepts one message.
type packetSink struct {
	p     *Packet // the caller's packet
	taken bool
}

func (k *packetSink) full() bool { return k.taken }
func (k *packetSink) has() bool  { return k.taken }

func (k *packetSink) fits(*session.Message) bool { return true }

func (k *packetSink) place(size int) []byte {
	if k.taken || size > cap(k.p.Body) {
		return nil
	}
	return k.p.Body[:size]
}

func (k *packetSink) take(m *session.Message) (full bool) {
	m.CopyPacket(k.p)
	k.taken = true
	return true
}

var errNotReadable = errors.New("rtmp: the stream was opened for publishing and cannot be read")
