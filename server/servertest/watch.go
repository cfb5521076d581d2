package servertest

import (
	"bytes"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// maxCalls is how many commands are kept.
const maxCalls = 1 << 16

var setDataFrame = amf.AppendString(nil, "@setDataFrame")

// arrived notes a message that was published.
func (s *Server) arrived(path string, p *message.Packet) {
	tag := flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body}
	if p.Type == message.TypeDataAMF3 { // AMF0 after a format selector
		tag.Type = flv.TagScript
		tag.Body = bytes.TrimPrefix(tag.Body, []byte{0})
	}
	if tag.Type == flv.TagScript {
		tag.Body = bytes.TrimPrefix(tag.Body, setDataFrame)
	}
	tag.Body = bytes.Clone(tag.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published[path] = append(s.published[path], tag)
	close(s.changed)
	s.changed = make(chan struct{})
}

// called notes a command, and that a connection has opened a stream.
func (s *Server) called(c *server.Conn, p *message.Packet) {
	if p.Type != message.TypeCommandAMF0 && p.Type != message.TypeCommandAMF3 {
		return
	}
	cmd, err := message.ParseCommand(p.Type, p.Body)
	if err != nil {
		return
	}
	if cmd.Name == "play" || cmd.Name == "publish" {
		s.faults.opened(c.RemoteAddr().String())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) < maxCalls {
		s.calls = append(s.calls, cmd)
	}
}
