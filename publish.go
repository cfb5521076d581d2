package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
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
	k, err := c.calls.add(c, "createStream", 0, nil)
	if err != nil {
		return err
	}
	commands = append(commands, message.Command{Name: "createStream", TransactionID: k.id})
	if err := c.sendCommands(ctx, csCommand, 0, commands); err != nil {
		return err
	}
	result, err := k.Result(ctx)
	if err != nil {
		return err
	}
	if s.id, err = streamIDOf(result); err != nil {
		return err
	}
	if err := c.streams.add(s); err != nil {
		return err
	}
	kind := s.options.PublishType
	if kind == "" {
		kind = "live"
	}
	err = s.request(ctx, csMedia, []message.Command{{Name: "publish", Args: []any{s.name, kind}}}, nil, true,
		"NetStream.Publish.Start")
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.published = true
	s.mu.Unlock()
	c.published.Store(true)
	c.startStanding()
	c.own(s.sender)
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
	return c.send(ctx, control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, uint32(size))))
}

// unpublish is what the server is told at the end of a stream that publishes.
func (s *Stream) unpublish() ([]chunk.Outgoing, error) {
	c := s.conn
	fc, err := command(csCommand, 0, &message.Command{Name: "FCUnpublish", TransactionID: c.calls.nextID(),
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
		return c.fail(fmt.Errorf("rtmp: stream: %w", &timeoutError{what: "close"}))
	}
}

// linger ends a connection that has published so that nothing of it is lost: closing a socket with unread data in it is
// a reset, which makes the server drop what it has not read yet. So the write side is shut, and what the server still
// sends is read, until it hangs up. Where only half of the connection can't be shut, as when DialContext has hidden that it is
// a socket, the server is asked for something that all know: when it answers, it has read everything.
func (c *Conn) linger(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { c.fail(fmt.Errorf("rtmp: %w", net.ErrClosed)) }) // ends a write, too
	defer stop()
	if !c.shutWrites(ctx) {
		if k, err := c.Call(ctx, "createStream"); err == nil {
			k.Result(ctx)
		}
		return
	}
	<-c.done
}

// shutWrites tells the server that nothing more will come, if the connection can.
func (c *Conn) shutWrites(ctx context.Context) bool {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	select {
	case c.out.lock <- struct{}{}:
	case <-ctx.Done():
		return true
	}
	defer func() { <-c.out.lock }()
	if half.CloseWrite() != nil {
		return false
	}
	c.out.err = fmt.Errorf("rtmp: write: %w", net.ErrClosed)
	return true
}

var errNotReadable = errors.New("rtmp: the stream was opened for publishing: it can't be read")
