package main

import (
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// dump logs a packet without its body, which may contain secrets such as the name of a stream.
func (a *application) dump(c *server.Conn, p *message.Packet) (done bool, err error) {
	attrs := []any{"conn", c.ID(), "type", p.Type.String(), "stream", p.StreamID,
		"chunk-stream", p.ChunkStreamID, "time", p.Timestamp, "bytes", len(p.Body)}
	if p.Type == message.TypeCommandAMF0 || p.Type == message.TypeCommandAMF3 {
		if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil {
			attrs = append(attrs, "command", quote.Attr(cmd.Name))
		}
	}
	a.logger.Info("packet", attrs...)
	return false, nil
}
