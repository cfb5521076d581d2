package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// defaultChunkSize is what a publisher announces, in bytes: OBS's.
	defaultChunkSize = 4096
	// publisherFlashVer is what FMLE and OBS send, and what servers take for a publisher.
	publisherFlashVer = "FMLE/3.0 (compatible; FMSc/1.0)"
	// closeGrace is how long Stream.Close lets a write go on that makes no progress. Hanging up may take a quarter of a second
	// more, and both together no longer than a second.
	closeGrace = 750 * time.Millisecond
)

// publish opens s for writing, in the order of librtmp, OBS and FFmpeg: releaseStream, FCPublish and createStream
// together, then publish on the new message stream. The last is what the server may refuse.
func (s *Stream) publish(ctx context.Context) error {
	c := s.conn
	if err := c.announceChunkSize(ctx); err != nil {
		return err
	}
	commands := []message.Command{
		{Name: "releaseStream", TransactionID: c.calls.nextID(), Args: []any{s.name}},
		{Name: "FCPublish", TransactionID: c.calls.nextID(), Args: []any{s.name}},
	}
	k, err := c.calls.add(c, "createStream", 0)
	if err != nil {
		return err
	}
	commands = append(commands, message.Command{Name: "createStream", TransactionID: k.id})
	if s.id, err = c.awaitStreamID(ctx, k, commands); err != nil {
		return err
	}
	if err := c.streams.add(s); err != nil {
		return err
	}
	kind := s.options.PublishType
	if kind == "" {
		kind = "live"
	}
	_, err = s.request(ctx, session.ChunkStreamMedia, []message.Command{{Name: "publish", Args: []any{s.name, kind}}}, nil, true,
		"NetStream.Publish.Start")
	if err != nil {
		return err
	}
	s.mu.Lock()
	if err = s.err; err == nil { // not closed meanwhile
		s.published = true
		c.farewell.publishing.Add(1)
		c.farewell.published.Store(true)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	c.startStanding()
	if !c.own(s.sender) {
		return c.Err()
	}
	return nil
}

// announceChunkSize tells the server the size of our chunks, once.
func (c *Conn) announceChunkSize(ctx context.Context) error {
	if !c.chunkSizeSent.CompareAndSwap(false, true) {
		return nil
	}
	size := c.opts.ChunkSize
	if size == 0 {
		size = defaultChunkSize
	}
	return c.send(ctx, session.Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, uint32(size))))
}

// unpublish is what the server is told at the end of a stream that publishes.
func (s *Stream) unpublish() ([]chunk.Outgoing, error) {
	c := s.conn
	fc, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "FCUnpublish", TransactionID: c.calls.nextID(),
		Args: []any{s.name}})
	if err != nil {
		return nil, err
	}
	del, err := c.deleteStream(s.id)
	return []chunk.Outgoing{fc, del}, err
}

// finish lets what was written leave and then ends the stream's writing: the send queue, and a Write under way, go on as
// long as they make progress, but no longer than Options.Timeout. It returns what writing has failed with, which
// WritePacket may not have been there to tell.
func (s *Stream) finish() error {
	q, c := &s.sending, s.conn
	q.close()
	var limit <-chan time.Time
	if t := c.opts.Timeout; t > 0 {
		timer := time.NewTimer(t)
		defer timer.Stop()
		limit = timer.C
	}
	tick := time.NewTicker(closeGrace)
	defer tick.Stop()
	before, ended := c.written(), q.ended
	var lock chan struct{} // first the queue, then the lock
	for {
		select {
		case <-ended:
			if err := q.failure(); err != nil {
				return err
			}
			ended, lock = nil, c.out.lock
			continue
		case lock <- struct{}{}:
			<-lock
			return c.Err()
		case <-c.done:
			return c.Err()
		case <-limit:
		case <-tick.C:
			if now := c.written(); now != before {
				before = now
				continue
			}
		}
		return c.fail(&session.TimeoutError{What: "stream: close"})
	}
}

var errNotReadable = errors.New("rtmp: the stream was opened for publishing: it can't be read")
