package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
)

// guessedStreamID is the message stream id that servers give out first.
const guessedStreamID = 1

// pipelined is the stream that Connect asks for ahead of the server's answers. Connect's goroutine owns it, and then the CreateStream
// that takes it.
type pipelined struct {
	options StreamOptions
	script  script

	// Once it was sent:
	conn         *link
	table        *streamTable
	create       *session.Call
	stream       *Stream
	request      *request
	guessedWrong bool // the server gives out other ids first
	doubtful     bool // the server may still mind: that it refuses the stream, or is silent, says nothing of what it does otherwise
}

// predict numbers the commands as register does on a new connection, after a connect with the given transaction id.
func (h *pipelined) predict(id float64) {
	for i := range h.script.connection {
		id++
		h.script.connection[i].TransactionID = id
	}
	h.script.stream[len(h.script.stream)-1].TransactionID = id + 1
}

// messages ask for the stream.
func (h *pipelined) messages() ([]chunk.Outgoing, error) {
	messages, err := appendCommands(nil, session.ChunkStreamCommand, 0, h.script.connection)
	if err != nil {
		return nil, err
	}
	messages, err = appendCommands(messages, h.script.chunkStreamID, guessedStreamID, h.script.stream)
	return append(messages, h.script.then(guessedStreamID)...), err
}

// register prepares for the answers on the connection of a table, which has no stream yet.
func (h *pipelined) register(t *streamTable) (err error) {
	h.conn, h.table = t.conn, t
	if h.create, err = t.number(h.script.connection); err != nil {
		return err
	}
	return h.listen(guessedStreamID)
}

// listen makes the Stream, and prepares for what the server says of it.
func (h *pipelined) listen(id uint32) (err error) {
	s := h.table.newStream(h.options)
	s.id, s.options.NoBufferUpdate = id, true // until it is known what CreateStream wants
	if err = h.table.add(s); err != nil {
		return err
	}
	h.stream = s
	last := &h.script.stream[len(h.script.stream)-1]
	if h.request, err = s.expect(last, true, h.script.codes...); err == nil && h.options.Writable {
		s.mu.Lock()
		s.unclaimed = h.request
		s.mu.Unlock()
	}
	return err
}

// send asks for the stream on a connection that has accepted connect.
func (h *pipelined) send(ctx context.Context, t *streamTable) error {
	if err := h.register(t); err != nil {
		return err
	}
	messages, err := h.messages()
	if err != nil {
		return err
	}
	return h.conn.session.Send(ctx, messages...)
}

// settle waits for createStream's answer. It reports whether there is a stream that the server knows: otherwise CreateStream asks for
// it in the plain way. An error is that of the connection, or ctx's.
func (h *pipelined) settle(ctx context.Context) (known bool, _ error) {
	early := h.create.IsDone() // before connect
	limited, cancel := h.conn.withPatience(ctx, createPatience)
	defer cancel()
	silent := h.create.Wait(limited)
	if over := h.over(ctx); over != nil {
		return false, over
	}
	if silent != nil {
		h.fallBack("createStream is not answered")
		return false, nil
	}
	result, err := h.create.Result()
	var id uint32
	if err == nil {
		id, err = streamIDOf(result)
	}
	switch {
	case err != nil:
		h.fallBack("createStream is refused")
	case h.request.refused():
		h.fallBack(h.request.call.Method + " is refused before there is a stream")
	case id == h.stream.id, h.request.finished(): // or a server that does not look at ids
		h.doubtful = early
		return true, nil
	default:
		return true, h.correct(ctx, id)
	}
	return false, nil
}

// over is why there is no use in anything else: the connection has ended, or ctx.
func (h *pipelined) over(ctx context.Context) error {
	if lost := h.conn.session.Err(); lost != nil {
		return lost
	}
	return ctx.Err()
}

// correct asks for the stream once more, on the message stream that the server has given us. It waits for the answer to be sure
// that the server does not hang up for what it was asked first.
func (h *pipelined) correct(ctx context.Context, id uint32) error {
	h.guessedWrong, h.doubtful = true, true
	h.conn.fellBack(h.conn.url.Redacted(), "createStream brings another message stream")
	h.drop()
	if err := h.listen(id); err != nil {
		return err
	}
	p := &h.script
	if err := h.conn.sendCommands(ctx, p.chunkStreamID, id, p.stream, p.then(id)...); err != nil {
		return err
	}
	limited, cancel := h.conn.withPatience(ctx, createPatience)
	defer cancel()
	h.request.await(limited)
	if over := h.over(ctx); over != nil || h.request.finished() {
		return over
	}
	return errImpatient // on a new connection, where the first message stream is not given up: some servers always say that one
}

// fallBack forgets the stream, which CreateStream then asks for in the plain way.
func (h *pipelined) fallBack(why string) {
	h.conn.fellBack(h.conn.url.Redacted(), why)
	h.drop()
	h.create.WhenDone(func() { h.table.refuse(h.create) })
}

// drop forgets the stream without a word to the server.
func (h *pipelined) drop() {
	h.request.end()
	h.stream.markClosed()
	h.table.remove(h.stream)

}

// is reports whether want, which is complete, asks for this stream.
func (h *pipelined) is(want StreamOptions) bool {
	want.NoBufferUpdate = h.options.NoBufferUpdate // nobody but us knows of it
	if !want.Writable {
		want.PublishType = h.options.PublishType
	}
	return want == h.options
}

// await waits until the stream is open. It reports false, without an error, where that may fail because the server minds.
func (h *pipelined) await(ctx context.Context) (open bool, _ error) {
	defer h.request.end()
	limited := ctx
	if h.doubtful {
		var cancel context.CancelFunc
		limited, cancel = h.conn.withPatience(ctx, createPatience)
		defer cancel()
	}
	err := h.request.await(limited)
	switch {
	case err == nil:
		return true, nil
	case h.doubtful && h.over(ctx) == nil:
		h.fallBack(h.request.call.Method + " fails")
		return false, nil
	}
	h.table.abandon(h.stream)
	return false, h.stream.notOpened(err)
}

// claim makes the stream, which is open, the program's.
func (h *pipelined) claim(ctx context.Context, o StreamOptions) (*Stream, error) {
	s := h.stream
	s.mu.Lock()
	s.options.NoBufferUpdate = o.NoBufferUpdate
	s.updateBuffer()
	s.mu.Unlock()
	var err error
	if s.options.Writable {
		err = h.conn.announceChunkSize(ctx)
	}
	if err == nil {
		err = s.beginPublishing()
	}
	if err != nil {
		h.table.abandon(s)
		return nil, s.notOpened(err)
	}
	return s, nil
}
