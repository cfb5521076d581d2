package rtmp

import (
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// closeGrace is how long Stream.Close lets a write go on that makes no progress. Hanging up may take a quarter of a second
// more, and both together no longer than a second.
const closeGrace = 750 * time.Millisecond

// beginPublishing begins to send what is written, once the server has agreed to it.
func (s *Stream) beginPublishing() error {
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
