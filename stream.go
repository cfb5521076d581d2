package rtmp

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Stream is a message stream that plays or publishes (a NetStream in Adobe's terms). Only one goroutine at a time may read it with
// Read, WriteTo or ReadPacket, or write it with Write or ReadFrom. All other methods may be called from any goroutine.
type Stream struct {
	*streamState
	playback
	streamReader
	streamWriter

	leave   func() // removes the Stream from the table of open streams
	closing sync.Once
	closed  error // result of Close; written by closing
}

// newStream returns a Stream that has not been requested from the server yet. o must be complete.
func newStream(c *link, o StreamOptions, leave func(*Stream)) *Stream {
	s := &Stream{streamState: newStreamState(c, o)}
	s.leave = func() { leave(s) }
	s.streamReader.init(s.streamState)
	s.streamWriter.init(s.streamState)
	s.playback.init(s.streamState, &s.streamReader)
	return s
}

// ID returns the message stream id.
func (s *Stream) ID() uint32 { return s.id }

// Bind makes reads and writes of s, including calls in progress, return ctx's error once ctx is done, until release is called. A read that
// ends this way loses nothing. A write that has not sent a byte has no effect. A write that has sent a part of its bytes ends the
// connection, unless the rest can be written at once. If Bind is called several times, the first ctx that is done takes effect. Bind does
// not affect methods that take a context.
//
//	defer stream.Bind(ctx)()
//	_, err := io.Copy(file, stream)
func (s *Stream) Bind(ctx context.Context) (release func()) {
	return s.bindings.Bind(&s.mu, ctx, func() {
		s.rouse()
		s.rouseWriter()
	})
}

// Close ends the stream on the server. A Read, Write, Pause or Seek in progress returns net.ErrClosed. The Conn stays open. If the stream
// publishes, Close first sends everything that was written, and returns an error if that fails. If the network accepts no byte for five
// seconds, or for Options.Timeout if that is shorter, Close gives up and ends the connection. It gives up after three quarters of a second
// if the write deadline has passed or the context of Bind is done, even if that happens during Close. Further calls wait for the first and
// return its error.
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
	if !publishing { // from now on, a CreateStream in progress can't make the stream a publisher
		s.setClosed()
	}
	s.mu.Unlock()
	failed, grace := error(nil), closeGrace
	if publishing {
		if failed = s.sending.Finish(s.closeGrace); failed == nil {
			c.farewell.publishing.Add(-1)
		}
		grace = s.closeGrace()
	}
	s.leave()
	if publishing { // after leave, so that a refusal that comes too late for this Close is kept for Conn.Close
		if refused := s.markClosed(); refused != nil { // it is also the reason if the server then hangs up
			failed = refused
		}
	}
	s.rouse()
	s.rouseWriter()
	c.session.InterruptRead() // a request that has just ended may be reading

	if !c.alive() || c.farewell.closing.Load() { // Conn.Close has already told the server, or the connection is lost
		return failed
	}
	farewell, err := s.farewell()
	if err != nil {
		return err
	}
	err = c.session.SendBy(time.Now().Add(grace), farewell...) // does not wait for the queued media of other streams
	if publishing && err == nil {
		c.farewell.unended.Add(-1)
	}
	if failed == nil {
		failed = err
	}
	return failed
}

// errStreamClosed is the error of a Stream that Close has ended.
var errStreamClosed = fmt.Errorf("rtmp: stream: %w", net.ErrClosed)

// markClosed ends the stream for its users, and returns the error that had ended it before.
func (s *Stream) markClosed() (before error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setClosed()
}

// setClosed is markClosed for a caller that holds s.mu.
func (s *Stream) setClosed() (before error) {
	before, s.err = s.err, errStreamClosed
	s.closeRequests()
	s.discard()
	return before
}

// farewell returns the commands that close the stream at the server.
func (s *Stream) farewell() (last []chunk.Outgoing, _ error) {
	s.mu.Lock()
	published := s.published || s.unclaimed != nil && !s.unclaimed.refused()
	s.mu.Unlock()
	if published { // not sent after a refusal, since another client may be publishing under the name
		o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "FCUnpublish",
			TransactionID: s.conn.session.NextID(), Args: []any{s.name}})
		if err != nil {
			return nil, err
		}
		last = append(last, o)
	}
	o, err := s.conn.deleteStream(s.id)
	return append(last, o), err
}
