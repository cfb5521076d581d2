package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// closeGrace is how long Stream.Close lets a write go on that makes no progress. Hanging up may take a quarter of a second
// more, and both together no longer than a second.
const closeGrace = 750 * time.Millisecond

// publish opens s for writing, in the order of librtmp, OBS and FFmpeg: releaseStream, FCPublish and createStream
// together, then publish on the new message stream. The last is what the server may refuse.
func (s *Stream) publish(ctx context.Context) error {
	c := s.conn
	if err := c.announceChunkSize(ctx); err != nil {
		return err
	}
	var err error
	if s.id, err = s.table.newID(ctx, []message.Command{
		{Name: "releaseStream", Args: []any{s.name}},
		{Name: "FCPublish", Args: []any{s.name}},
	}, nil); err != nil {
		return err
	}
	if err := s.table.add(s); err != nil {
		return err
	}
	kind := s.options.PublishType
	if kind == "" {
		kind = "live"
	}
	_, err = s.request(ctx, session.ChunkStreamMedia, []message.Command{{Name: "publish", Args: []any{s.name, kind}}}, nil, true,
		message.CodePublishStart)
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
	c.session.StartStanding()
	if !s.sending.Start(s.id) {
		return c.Err()
	}
	return nil
}

// WriteData publishes a data message, such as onMetaData or onCuePoint: name and values, which may be what amf.AppendAMF0 takes. Its
// time is that of the newest audio or video that was written. onMetaData is sent as @setDataFrame, which servers keep for those who
// come later. For the rest it is as WritePacket.
func (s *Stream) WriteData(name string, args ...any) error {
	if !s.options.Writable {
		return ErrNotWritable
	}
	o, err := session.Data(s.id, name, args...)
	if err != nil {
		return err
	}
	return s.WritePacket(&Packet{Type: message.TypeDataAMF0, Timestamp: s.written.Load(), Body: o.Body})
}

// unpublish is what the server is told at the end of a stream that publishes.
func (s *Stream) unpublish() ([]chunk.Outgoing, error) {
	c := s.conn
	fc, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "FCUnpublish", TransactionID: c.session.NextID(),
		Args: []any{s.name}})
	if err != nil {
		return nil, err
	}
	del, err := c.deleteStream(s.id)
	return []chunk.Outgoing{fc, del}, err
}

var errNotReadable = errors.New("rtmp: the stream was opened for publishing: it can't be read")
