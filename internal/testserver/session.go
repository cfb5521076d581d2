package testserver

import (
	"bytes"
	"context"
	"net"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// Session is the session of one client. Its methods may be called from any goroutine.
type Session struct {
	server *Server
	conn   *server.Conn // set by the first message, before hooks run
	chunks rechunker    // owned by the reader
	calls  sync.WaitGroup
	left   chan struct{} // closed after the last hook

	mu       sync.Mutex // guards the rest
	accepted bool       // left will be closed
	over     bool
}

type sessionKey struct{}

func sessionOf(c *server.Conn) *Session { return c.Context().Value(sessionKey{}).(*Session) }

// connected registers that the client was accepted, unless its connection has ended.
func (s *Session) connected() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return net.ErrClosed
	}
	s.accepted = true
	return nil
}

// join waits for the goroutines of a session after its connection has ended.
func (s *Session) join() {
	s.mu.Lock()
	s.over = true
	accepted := s.accepted
	s.mu.Unlock()
	if accepted {
		<-s.left
	}
	s.calls.Wait()
}

// received is called for every message before it is served.
func (s *Session) received(c *server.Conn, p *message.Packet) (done bool, err error) {
	if s.conn == nil {
		s.conn = c
	}
	if see := s.server.cfg.OnMessage; see != nil {
		m, err := s.chunks.read(p)
		if err != nil {
			return false, err
		}
		see(s, m)
	}
	cmd, err := message.ParseCommand(p.Type, p.Body)
	if err != nil || cmd.Name != "connect" {
		return false, nil
	}
	refusal := s.server.refusal(c, cmd)
	if refusal == nil {
		return false, nil
	}
	o, err := session.Command(session.ChunkStreamCommand, 0,
		&message.Command{Name: "_error", TransactionID: cmd.TransactionID, Args: []any{refusal}})
	if err != nil {
		return true, err
	}
	return true, s.Send(o)
}

// Close ends the connection at once.
func (s *Session) Close() { s.conn.Close() }

// Connect returns the client's connect command.
func (s *Session) Connect() message.Command { return s.conn.Connect() }

// Send sends messages unchanged.
func (s *Session) Send(messages ...chunk.Outgoing) error {
	for _, o := range messages {
		p := message.Packet{Type: message.Type(o.Type), Format: o.Format, ChunkStreamID: o.ChunkStreamID, Timestamp: o.Timestamp,
			StreamID: o.StreamID, Absolute: !o.Relative, Body: o.Body}
		if err := s.conn.SendPacket(context.Background(), &p); err != nil {
			return err
		}
	}
	return nil
}

// Ping sends a PingRequest. Config.OnMessage sees the answer.
func (s *Session) Ping(ms uint32) error { return s.Send(session.Event(message.EventPingRequest, ms)) }

// Notify calls a method of the client without asking for an answer.
func (s *Session) Notify(method string, args ...any) error { return s.conn.Notify(method, args...) }

// Call calls a method of the client. The channel receives the answer, a _result or _error without its transaction id. The channel is closed
// without an answer if the session ends or Call fails.
func (s *Session) Call(method string, args ...any) (<-chan message.Command, error) {
	answer := make(chan message.Command, 1)
	k, err := s.conn.Call(context.Background(), method, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.over { // join may already have returned, and so would not wait for the goroutine below
		err = net.ErrClosed
	}
	if err != nil {
		close(answer)
		return answer, err
	}
	s.calls.Go(func() {
		defer close(answer)
		_, err := k.Result(context.Background())
		reply := k.Reply()
		if reply == nil {
			return
		}
		cmd := message.Command{Name: "_result", Object: reply[0], Args: reply[1:]}
		if err != nil {
			cmd.Name = "_error"
		}
		answer <- cmd
	})
	return answer, nil
}

// rechunker converts a packet to a chunk.Message, by encoding and decoding it.
type rechunker struct {
	wire bytes.Buffer
	out  *chunk.Writer
	in   *chunk.Reader
	m    chunk.Message
}

// read returns a message that is valid until the next call.
func (r *rechunker) read(p *message.Packet) (*chunk.Message, error) {
	if r.in == nil {
		r.out, r.in = chunk.NewWriter(), chunk.NewReader(&r.wire, 0)
	}
	b, err := r.out.AppendMessage(r.wire.AvailableBuffer(), &chunk.Outgoing{Type: uint8(p.Type), ChunkStreamID: p.ChunkStreamID,
		StreamID: p.StreamID, Timestamp: p.Timestamp, Body: p.Body})
	if err != nil {
		return nil, err
	}
	r.wire.Write(b)
	if err := r.in.Next(&r.m); err != nil {
		return nil, err
	}
	r.m.Format = p.Format
	return &r.m, nil
}
