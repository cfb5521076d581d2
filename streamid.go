package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// newID sends commands of which one is createStream, together, and waits for the message stream that this brings. When the
// answer is given up, the server is told to delete the stream as soon as it comes: it keeps it otherwise.
func (t *streamTable) newID(ctx context.Context, commands []message.Command) (uint32, error) {
	k, err := t.number(commands)
	if err != nil {
		return 0, err
	}
	if err := t.conn.sendCommands(ctx, session.ChunkStreamCommand, 0, commands); err != nil {
		t.conn.session.TakeCall(k.ID)
		return 0, err
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

// number gives commands their transaction ids, and returns the call that createStream is.
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

// refuse has the server delete the stream of which createStream's answer tells, if any. It may be called by the reader.
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

// streamIDOf reads the message stream id that createStream's _result carries.
func streamIDOf(result any) (uint32, error) {
	id, ok := result.(float64)
	if !ok || id < 0 || id > 1<<32-1 || id != float64(uint32(id)) {
		return 0, &ProtocolError{Phase: "command", Detail: "createStream's result is no stream id", Value: result}
	}
	return uint32(id), nil
}
