package rtmp

import (
	"context"
	"encoding/binary"
	"net"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// link is a connection to a server, as calls, streams and shared objects see it.
type link struct {
	*core
	settings // the settings with which the connection was made

	nc           net.Conn
	session      *session.Session
	verification []byte             // the answer to SWF verification, a user control body; nil if there is none
	playerAsked  atomic.Bool        // the server has asked for SWF verification
	challenged   atomic.Bool        // the server has sent a SecureToken challenge
	relayed      bool               // the other end of nc may be a proxy or a tunnel's HTTP server, not the RTMP server
	near         transport.Nearness // nearness of the server

	amf3          atomic.Bool // AMF3 was agreed on
	chunkSizeSent atomic.Bool
	farewell      farewell
}

// alive reports whether the connection is alive.
func (l *link) alive() bool { return l.session.Err() == nil }

// sendCommands sends commands, and then other messages, with one system call.
func (l *link) sendCommands(ctx context.Context, chunkStreamID, streamID uint32, commands []message.Command,
	then ...chunk.Outgoing) error {
	messages, err := appendCommands(nil, chunkStreamID, streamID, commands)
	if err != nil {
		return err
	}
	return l.session.Send(ctx, append(messages, then...)...)
}

func appendCommands(messages []chunk.Outgoing, chunkStreamID, streamID uint32, commands []message.Command) ([]chunk.Outgoing, error) {
	for i := range commands {
		o, err := session.Command(chunkStreamID, streamID, &commands[i])
		if err != nil {
			return nil, err
		}
		messages = append(messages, o)
	}
	return messages, nil
}

// defaultChunkSize is used if Options.ChunkSize is zero, in bytes. OBS uses the same size.
const defaultChunkSize = 4096

// announceChunkSize sends Set Chunk Size, once for each connection.
func (l *link) announceChunkSize(ctx context.Context) error {
	if !l.chunkSizeSent.CompareAndSwap(false, true) {
		return nil
	}
	size := l.opts.ChunkSize
	if size == 0 {
		size = defaultChunkSize
	}
	o := session.Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, uint32(size)))
	return session.Cancelled("set chunk size", l.session.Send(ctx, o))
}

// deleteStream returns the command that ends a message stream.
func (l *link) deleteStream(id uint32) (chunk.Outgoing, error) {
	return session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "deleteStream", TransactionID: l.session.NextID(),
		Args: []any{float64(id)}})
}
