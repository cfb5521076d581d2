package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
)

// guessedStreamID is the message stream id that servers assign first.
const guessedStreamID = 1

// pipelined is the stream that Connect requests before the server has answered. It is owned by the goroutine of Connect, and later by the
// CreateStream that takes it over.
type pipelined struct {
	options StreamOptions
	script  script

	// The following fields are set after the request has been sent.
	conn         *link
	table        *streamTable
	create       *session.Call
	stream       *Stream
	request      *request
	guessedWrong bool // the server assigns other ids first
	doubtful     bool // a refusal or silence may be due to the pipelining
}

// predict sets the transaction ids of the commands before there is a connection. If connect has the given id, register will later set the
// same ids.
func (h *pipelined) predict(id float64) {
	for i := range h.script.connection {
		id++
		h.script.connection[i].TransactionID = id
	}
	h.script.stream[len(h.script.stream)-1].TransactionID = id + 1
}

// messages returns the messages that request the stream.
func (h *pipelined) messages() ([]chunk.Outgoing, error) {
	messages, err := appendCommands(nil, session.ChunkStreamCommand, 0, h.script.connection)
	if err != nil {
		return nil, err
	}
	messages, err = appendCommands(messages, h.script.chunkStreamID, guessedStreamID, h.script.stream)
	return append(messages, h.script.afterCommands(guessedStreamID)...), err
}

// register prepares to receive the answers on the connection of t. t has no stream yet.
func (h *pipelined) register(t *streamTable) (err error) {
	h.conn, h.table = t.conn, t
	if h.create, err = t.number(h.script.connection); err != nil {
		return err
	}
	return h.listen(guessedStreamID)
}

// listen makes the Stream, and prepares to receive the statuses that the server sends for it.
func (h *pipelined) listen(id uint32) (err error) {
	s := h.table.newStream(h.options)
	s.id, s.options.NoBufferUpdate = id, true // until CreateStream passes its options
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

// send requests the stream on a connection whose connect has been accepted.
func (h *pipelined) send(ctx context.Context, t *streamTable) error {
	if err := h.register(t); err != nil {
		return err
	}
	messages, err := h.messages()
	if err != nil {
		return err
	}
	return session.Cancelled(h.request.Method, h.conn.session.Send(ctx, messages...))
}

// settle waits for the answer to createStream. known reports whether the server has created the stream; if not, CreateStream requests it
// again. The error is the connection's or ctx's.
func (h *pipelined) settle(ctx context.Context) (known bool, _ error) {
	early := h.create.IsDone() // answered before the answer to connect was examined
	limited, cancel := h.conn.withPatience(ctx, createPatience)
	defer cancel()
	silent := h.create.Wait(limited)
	if over := h.waitErr(ctx); over != nil {
		return false, over
	}
	if silent != nil {
		h.fallBack("no answer to createStream")
		return false, nil
	}
	result, err := h.create.Result()
	var id uint32
	if err == nil {
		id, err = streamIDOf(result)
	}
	switch {
	case err != nil:
		h.fallBack("createStream was refused")
	case h.request.refused():
		h.fallBack(h.request.Method + " was refused before createStream was answered")
	case id == h.stream.id, h.request.IsDone():
		// A server that has accepted the guessed id without assigning it accepts any id, or ignores ids. The Stream then keeps the guessed
		// id. It also receives messages with another id, as long as it is the only stream: see streamTable.of. Another request would play
		// or publish a second time.
		h.doubtful = early
		return true, nil
	default:
		return true, h.correct(ctx, id)
	}
	return false, nil
}

// waitErr returns the error of the connection or of ctx.
func (h *pipelined) waitErr(ctx context.Context) error {
	if lost := h.conn.session.Err(); lost != nil {
		return lost
	}
	return ctx.Err()
}

// correct requests the stream again, on the message stream that the server has assigned. It waits for the answer, since the server may hang
// up because of the first request.
func (h *pipelined) correct(ctx context.Context, id uint32) error {
	h.guessedWrong, h.doubtful = true, true
	h.conn.fellBack(h.conn.url.Redacted(), "createStream returned another message stream id")
	h.drop()
	if err := h.listen(id); err != nil {
		return err
	}
	p := &h.script
	if err := h.conn.sendCommands(ctx, p.chunkStreamID, id, p.stream, p.afterCommands(id)...); err != nil {
		return err
	}
	limited, cancel := h.conn.withPatience(ctx, createPatience)
	defer cancel()
	h.request.await(limited)
	if over := h.waitErr(ctx); over != nil || h.request.IsDone() {
		return over
	}
	return errImpatient // try a new connection, since some servers always confirm the first message stream
}

// fallBack drops the stream and counts a fallback. CreateStream then requests the stream again.
func (h *pipelined) fallBack(why string) {
	h.conn.fellBack(h.conn.url.Redacted(), why)
	h.drop()
	h.create.WhenDone(func() { h.table.refuse(h.create) })
}

// drop removes the stream from the table without telling the server.
func (h *pipelined) drop() {
	h.request.end()
	h.stream.markClosed()
	h.table.remove(h.stream)
}

// matches reports whether want, which must be complete, describes this stream.
func (h *pipelined) matches(want StreamOptions) bool {
	want.NoBufferUpdate = h.options.NoBufferUpdate // this option is not sent to the server
	if !want.Writable {
		want.PublishType = h.options.PublishType
	}
	return want == h.options
}

// await waits until the stream is open. If pipelining seems to be the reason that it does not open, await returns false without an error.
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
	case h.doubtful && h.waitErr(ctx) == nil:
		h.fallBack(h.request.Method + " failed")
		return false, nil
	}
	h.table.abandon(h.stream)
	return false, h.stream.notOpened(err)
}

// claim prepares the open stream for the program.
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
