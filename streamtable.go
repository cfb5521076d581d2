package rtmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/secret"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// streamTable holds the open streams by message stream id, and remembers the ids of closed ones.
type streamTable struct {
	conn *link

	mu     sync.Mutex // guards the fields below; client.mask takes it while a Stream's mu is held
	byID   map[uint32]*Stream
	only   *Stream        // the only open stream, or nil if there is not exactly one
	closed []closedStream // ids that were assigned and are not open, oldest first; at most maxClosedIDs, never 0
}

type closedStream struct {
	id        uint32
	refusable bool     // it has published, and a refusal that arrives now is news; false if Close has returned one
	secrets   []string // parts of its name that late messages of the server may contain
}

// of returns the stream for a message with the given id, or nil. If only one stream is open, that stream also receives messages with the id
// 0 or with an id that was never assigned, since some servers send media that way. Messages for a closed stream must not reach another
// stream.
func (t *streamTable) of(id uint32) *Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.only == nil:
		return t.byID[id]
	case t.only.id != id && t.indexClosed(id) >= 0:
		return nil
	}
	return t.only
}

// newStream returns a stream that has not been requested from the server and is not in the table.
func (t *streamTable) newStream(o StreamOptions) *Stream {
	return newStream(t.conn, t.conn.complete(o), t.remove)
}

// open requests a message stream for s, and plays or publishes on it.
func (t *streamTable) open(ctx context.Context, s *Stream) error {
	c := t.conn
	p, err := c.opts.script(s.options)
	if err != nil {
		return err
	}
	if s.options.Writable {
		if err := c.announceChunkSize(ctx); err != nil {
			return err
		}
	}
	if s.id, err = t.newID(ctx, p.connection); err != nil {
		return err
	}
	if err := t.add(s); err != nil {
		return err
	}
	if err := s.request(ctx, p.chunkStreamID, p.stream, p.afterCommands(s.id), true, p.codes...); err != nil {
		return err
	}
	return s.beginPublishing()
}

// abandon closes a stream that was not opened completely. If the server has already created the message stream, abandon deletes it.
func (t *streamTable) abandon(s *Stream) {
	if t.holds(s) {
		s.Close()
	}
}

func (t *streamTable) all() []*Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Stream, 0, len(t.byID))
	for _, s := range t.byID {
		all = append(all, s)
	}
	return all
}

// holds reports whether s is open.
func (t *streamTable) holds(s *Stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[s.id] == s
}

func (t *streamTable) add(s *Stream) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[s.id] != nil {
		return &StatusError{Code: message.CodeCallFailed, Level: "error", Description: fmt.Sprintf(
			"the server has assigned stream id %d twice: it cannot serve several streams on one connection", s.id)}
	}
	if t.byID == nil {
		t.byID = make(map[uint32]*Stream)
	}
	t.byID[s.id] = s
	if i := t.indexClosed(s.id); i >= 0 {
		t.closed = slices.Delete(t.closed, i, i+1)
	}
	t.count()
	return nil
}

func (t *streamTable) remove(s *Stream) {
	s.mu.Lock()
	refusable := s.published && s.err == nil // Stream.Close returns the refusal; servers may repeat it
	s.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[s.id] == s {
		delete(t.byID, s.id)
		t.close(closedStream{s.id, refusable, secret.InName(s.name, s.options.Writable)})
		t.count()
	}
}

// closeAll closes the open streams. last contains the commands that the caller must send for the streams that play. refused contains the
// errors of the streams that publish.
func (t *streamTable) closeAll() (last []chunk.Outgoing, refused error) {
	for _, s := range t.all() {
		if s.options.Writable {
			var refusal *StatusError
			if err := s.Close(); t.conn.Err() == nil || errors.As(err, &refusal) { // a server may refuse the stream and then hang up
				refused = errors.Join(refused, err)
			}
			continue
		}
		if o, err := s.farewell(); err == nil { // deleteStream, as librtmp does
			last = append(last, o...)
		}
		s.markClosed() // nothing will read the queue, and the reader must not wait for that
	}
	return last, refused
}

// giveUp remembers id as closed. It returns false if an open stream has the id, since some servers assign the same id twice.
func (t *streamTable) giveUp(id uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[id] != nil {
		return false
	}
	t.close(closedStream{id: id})
	return true
}

// refusable reports whether a status with the given id may refuse a closed stream that published. If no stream is open, the id may be 0, as
// some servers send it.
func (t *streamTable) refusable(id uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.closed, func(c closedStream) bool { return c.refusable && (c.id == id || id == 0 && len(t.byID) == 0) })
}

// secrets returns the secret parts of the names of the open and the closed streams.
func (t *streamTable) secrets() (all []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.byID {
		all = append(all, secret.InName(s.name, s.options.Writable)...)
	}
	for _, c := range t.closed {
		all = append(all, c.secrets...)
	}
	return all
}

func (t *streamTable) indexClosed(id uint32) int {
	return slices.IndexFunc(t.closed, func(c closedStream) bool { return c.id == id })
}

// close remembers c. The caller holds t.mu.
func (t *streamTable) close(c closedStream) {
	if c.id == 0 || t.indexClosed(c.id) >= 0 {
		return
	}
	if len(t.closed) == maxClosedIDs {
		t.closed = slices.Delete(t.closed, 0, 1)
	}
	t.closed = append(t.closed, c)
}

func (t *streamTable) count() {
	t.only = nil
	if len(t.byID) == 1 {
		for _, s := range t.byID {
			t.only = s
		}
	}
}

// newID sends commands together, one of which is createStream, and waits for the message stream id. If the wait ends early, the client
// deletes the stream when the answer arrives; otherwise the server would keep the stream.
func (t *streamTable) newID(ctx context.Context, commands []message.Command) (uint32, error) {
	k, err := t.number(commands)
	if err != nil {
		return 0, err
	}
	if err := t.conn.sendCommands(ctx, session.ChunkStreamCommand, 0, commands); err != nil {
		k.Forget()
		return 0, session.Cancelled(k.Method, err)
	}
	if err := k.Wait(ctx); err != nil {
		k.WhenDone(func() { t.refuse(k) })
		t.conn.session.FlushReplies()
		return 0, err
	}
	result, err := k.Result()
	if err != nil {
		return 0, err
	}
	return streamIDOf(result)
}

// number sets the transaction ids of commands, and returns the call of createStream.
func (t *streamTable) number(commands []message.Command) (create *session.Call, err error) {
	for i := range commands {
		if commands[i].Name != "createStream" {
			commands[i].TransactionID = t.conn.session.NextID()
			continue
		}
		if create, err = t.conn.session.NewCall("createStream", 0); err != nil {
			return nil, err
		}
		commands[i].TransactionID = create.ID
	}
	return create, nil
}

// refuse deletes the stream with which the server has answered k, a call of createStream. If the call has failed, there is nothing to
// delete. The reader may call refuse.
func (t *streamTable) refuse(k *session.Call) {
	result, err := k.Result()
	if err != nil {
		return
	}
	id, err := streamIDOf(result)
	if err != nil || !t.giveUp(id) {
		return
	}
	if o, err := t.conn.deleteStream(id); err == nil {
		t.conn.session.Reply(o)
	}
}

// streamIDOf returns the message stream id in the _result of createStream.
func streamIDOf(result any) (uint32, error) {
	id, ok := result.(float64)
	if !ok || id < 0 || id > 1<<32-1 || id != float64(uint32(id)) {
		return 0, &ProtocolError{Phase: "command", Detail: "createStream's result is not a stream id", Value: result}
	}
	return uint32(id), nil
}
