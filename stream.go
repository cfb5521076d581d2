package rtmp

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// StreamOptions say what a Stream is for. The zero value plays the Conn's playpath.
type StreamOptions struct {
	Name           string        // "": the Conn's playpath
	Writable       bool          // publish
	PublishType    string        // "": live; record, append
	Seek           time.Duration // > 0 replaces Options.Start
	NoBufferUpdate bool          // do not raise the buffer to duration + 5 s once the duration is known
}

// Stream is a message stream that plays or publishes (a NetStream in Adobe's terms). One goroutine reads it, or one writes
// it; every other method may be called from any goroutine.
type Stream struct {
	conn    *link
	table   *streamTable
	id      uint32
	name    string
	options StreamOptions
	wake    chan struct{} // signalled when something changed that a reader of this stream looks at

	reader session.Waiter // of Read, ReadPacket and WriteTo; owned by the goroutine that reads
	out    flvOut         // likewise
	packet packetSink     // likewise

	in        flv.Parser     // of Write and ReadFrom; owned by the goroutine that writes
	tag       flv.Tag        // likewise
	message   chunk.Outgoing // likewise
	sending   *session.SendQueue
	backlog   *session.Backlog // of queue
	writeWake chan struct{}    // signalled when something changed that a writer of this stream looks at
	written   atomic.Uint32    // the time of the newest audio or video, ms

	closing sync.Once
	closed  error // what Close returns; written by closing

	mu            sync.Mutex         // guards the rest
	sink          sink               // where the goroutine that reads wants media now
	queue         session.MediaQueue // media that somebody else read
	started       bool
	flows         bool  // media has come
	ended         bool  // the server has signalled the end
	err           error // the server broke the stream off, or Close
	published     bool  // the server has agreed to our publishing
	paused        bool  // from Pause until the server has noticed Unpause: StreamEOF means nothing then
	seeking       bool  // from Seek until the server's notification: media is of the old position
	expected      []*expectation
	readDeadline  time.Time
	mediaDue      time.Time // when the wait of the goroutine that reads is over (Options.MediaTimeout)
	writeDeadline time.Time
	bindings      []*binding // whose contexts are done, the first at first
	position      uint32     // time of the last audio or video message
	duration      time.Duration
	metadata      amf.ECMAArray
	buffer        time.Duration // as last told to the server
}

// opening is what is done with the stream, for errors. The name of a stream that is published is a key, and what follows a ?
// in that of another a token.
func (s *Stream) opening(what string) string {
	name, _, _ := strings.Cut(s.name, "?")
	if s.options.Writable || name == "" {
		return what
	}
	return what + " " + quote.Peer(name)
}

// request sends commands of which the last awaits a status of one of codes, and waits for that. A server may answer with
// _error instead, or, if resultDoes, with _result. Once they are sent the server may act on them, whatever the error.
func (s *Stream) request(ctx context.Context, chunkStreamID uint32, commands []message.Command, behind []chunk.Outgoing,
	resultDoes bool, codes ...string) (sent bool, _ error) {
	c := s.conn
	e := &expectation{codes: codes, done: make(chan struct{})}
	last := &commands[len(commands)-1]
	k, err := c.session.NewCall(last.Name, 0)
	if err != nil {
		return false, err
	}
	defer c.session.TakeCall(k.ID)
	k.WhenDone(func() {
		if _, refused := k.Answer(); refused != nil || resultDoes {
			e.finish(refused)
		}
	})
	last.TransactionID = k.ID
	s.mu.Lock()
	s.expected = append(s.expected, e)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.expected = slices.DeleteFunc(s.expected, func(other *expectation) bool { return other == e })
	}()
	if err := c.sendCommands(ctx, chunkStreamID, s.id, commands, behind...); err != nil {
		return false, err
	}
	err = c.session.AwaitReply(ctx, last.Name, e.done)
	if e.finished() {
		return true, e.err
	}
	return true, err
}

// statusReceived acts on an onStatus for this stream. Called by the reader.
func (s *Stream) statusReceived(status *StatusError) {
	refusal := status.Level == "error" || fatalStatus[status.Code]
	s.mu.Lock()
	waitedFor := false
	for _, e := range s.expected {
		switch {
		case slices.Contains(e.codes, status.Code):
			e.finish(nil)
			waitedFor = true
		case refusal:
			e.finish(s.conn.session.Refusal(status))
			waitedFor = true
		}
	}
	switch status.Code {
	case message.CodePlayStart, message.CodePlayPublishNotify:
		s.started = true
	case message.CodePlayStop, message.CodePlayComplete, message.CodePlayUnpublishNotify:
		s.ended = !s.seeking
	case message.CodeSeekNotify:
		s.seeking, s.ended = false, false
	case message.CodePauseNotify:
		s.paused = true // an Unpause before that may have been given up, and noticed since
	case message.CodeUnpauseNotify:
		s.paused = false
	}
	if refusal && !waitedFor && s.err == nil {
		s.err = s.conn.session.Refusal(status)
	}
	s.mu.Unlock()
	s.signal()
}

// fatalStatus are refusals whatever their level.
var fatalStatus = map[string]bool{
	message.CodeFailed:                    true,
	message.CodePlayFailed:                true,
	message.CodePlayStreamNotFound:        true,
	message.CodeConnectInvalidApp:         true,
	message.CodePlayNoSupportedTrackFound: true,
	message.CodePublishBadName:            true,
	message.CodePublishDenied:             true,
	message.CodePublishRejected:           true,
	message.CodeRecordFailed:              true,
	message.CodeRecordNoAccess:            true,
}

// streamEOF is the user control event: the end, unless it only says that a pause has taken effect.
func (s *Stream) streamEOF() {
	s.mu.Lock()
	if s.started && !s.paused && !s.seeking {
		s.ended = true
	}
	s.mu.Unlock()
	s.signal()
}

func (s *Stream) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.signal()
}

// signal makes whoever reads this stream look at its state.
func (s *Stream) signal() { signal(s.wake) }

// signal leaves a signal in a channel of one slot.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Ready reports whether ReadPacket would return at once: a message has been read by another, or the stream has come to its end. It is
// for programs that read the connection themselves, with Conn.ReadPacket and HandlePacket.
func (s *Stream) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready()
}

// ready is Ready for a caller that holds s.mu.
func (s *Stream) ready() bool {
	return s.queue.Len() > 0 || s.ended || s.err != nil || len(s.bindings) > 0
}

// ID is the message stream id.
func (s *Stream) ID() uint32 { return s.id }

// Duration is the stream's length as its metadata gives it; 0: not known (yet), as for live streams.
func (s *Stream) Duration() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.duration
}

// Metadata is what the newest onMetaData carried; nil: none so far. It is not to be modified.
func (s *Stream) Metadata() amf.ECMAArray {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata
}

// SetReadDeadline bounds Read, WriteTo and ReadPacket, also one under way. The zero time removes the bound. A read that
// runs into it has lost nothing.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	s.readDeadline = t
	s.mu.Unlock()
	s.rouse()
	return nil
}

// rouse makes a Read under way look at its state, whether it reads the socket itself or waits for another.
func (s *Stream) rouse() {
	s.signal()
	s.conn.session.Interrupt(&s.reader)
}

// Close ends the stream at the server, and a Read or Write under way with net.ErrClosed; the Conn goes on. A stream that
// publishes sends first what was written, and reports what went wrong with that: a network that takes nothing for three
// quarters of a second is given up, and the connection with it. Further calls wait for the first and return its error.
func (s *Stream) Close() error {
	s.closing.Do(func() {
		s.conn.farewell.underWay.RLock()
		defer s.conn.farewell.underWay.RUnlock()
		s.closed = s.close()
	})
	return s.closed
}

func (s *Stream) close() error {
	c := s.conn
	s.mu.Lock()
	publishing := s.published
	if !publishing { // nor will CreateStream make it so
		s.setClosed()
	}
	s.mu.Unlock()
	var failed error
	if publishing {
		if failed = s.sending.Finish(closeGrace); failed == nil {
			c.farewell.publishing.Add(-1)
		}
		if refused := s.markClosed(); failed == nil {
			failed = refused
		}
	}
	s.table.remove(s)
	s.backlog.Queued(0)
	s.rouse()
	s.rouseWriter()
	if !c.alive() || c.farewell.closing.Load() { // Conn.Close has told the server, or there is nobody to tell
		return failed
	}
	farewell, err := s.farewell()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if err := c.session.Send(ctx, farewell...); failed == nil {
		failed = err
	}
	return failed
}

// markClosed ends the stream for those who use it, and returns why it had ended before.
func (s *Stream) markClosed() (before error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setClosed()
}

// setClosed is markClosed for a caller that holds s.mu.
func (s *Stream) setClosed() (before error) {
	before, s.err = s.err, fmt.Errorf("rtmp: stream: %w", net.ErrClosed)
	s.queue.Clear()
	return before
}

// farewell is what the server is told when the stream is closed.
func (s *Stream) farewell() ([]chunk.Outgoing, error) {
	s.mu.Lock()
	published := s.published
	s.mu.Unlock()
	if published { // not where we were refused: the name may be another's
		return s.unpublish()
	}
	o, err := s.conn.deleteStream(s.id)
	return []chunk.Outgoing{o}, err
}

// abandon closes a stream that was not opened completely, if it came so far that the server has one for it.
func (s *Stream) abandon() {
	if s.table.holds(s) {
		s.Close()
	}
}
