package servertest

import (
	"bytes"

	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

const maxCalls = 1 << 16

func (s *Server) arrived(path string, p *message.Packet) {
	tag, ok := server.Tag(p)
	if !ok {
		return
	}
	tag.Body = bytes.Clone(tag.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published[path] = append(s.published[path], tag)
	close(s.changed)
	s.changed = make(chan struct{})
}

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
