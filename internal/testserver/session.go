package testserver

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Limits on what a client can make the server keep.
const (
	maxClientMsg     = 16 << 20         // bytes of one message
	maxStreams       = 64               // message streams at once
	maxCommands      = 4096             // commands in the log
	maxCalls         = 256              // of ours that the client has not answered
	handshakeTimeout = 30 * time.Second // from accepting the connection
	lingerTimeout    = 5 * time.Second  // from our FIN to hanging up
)

// Session is one client. Its methods may be called from any goroutine.
type Session struct {
	server *Server
	nc     net.Conn
	core   *session.Session      // set after the handshake, by the session's goroutine and with mu
	helper sync.WaitGroup        // the goroutines that play, started by the session's goroutine only
	shaped map[uint32]sentHeader // by chunk stream, if a shaper was the last to use it; guarded by core's write lock

	shared       chan chunk.Outgoing // of shared objects, to be sent; closed when the session ends
	sharedQueued atomic.Int64        // bytes in shared
	app          string              // without its parameters; the session's goroutine's
	s1Tail       [32]byte            // the key of SWF verification; the session's goroutine's
	verified     bool                // the client is Config.Player; the session's goroutine's
	token        string              // what decrypts the challenge to; the session's goroutine's
	tokenKnown   bool                // the client has decrypted it; the session's goroutine's

	mu       sync.Mutex // guards the rest
	connect  message.Command
	commands []message.Command
	streams  map[uint32]*stream
	buffer   uint32 // what SetBufferLength said last, ms
	lastID   uint32
}

// stream is a message stream: nothing yet, a player of a recording, a viewer of a live stream, or a publisher. Only the
// session's goroutine changes it.
type stream struct {
	id     uint32
	player *player
	viewer *viewer
	live   *live
}

func newSession(s *Server, nc net.Conn) *Session {
	return &Session{server: s, nc: nc, shaped: make(map[uint32]sentHeader), streams: make(map[uint32]*stream),
		shared: make(chan chunk.Outgoing, maxSharedQueue)}
}

// Close hangs up.
func (s *Session) Close() {
	s.nc.Close()
	s.mu.Lock()
	core := s.core
	s.mu.Unlock()
	if core != nil {
		core.Fail(fmt.Errorf("test server: %w", net.ErrClosed))
	}
}

// Connect is the client's connect command.
func (s *Session) Connect() message.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connect
}

// Commands are the commands that the client has sent so far, at most the first 4096.
func (s *Session) Commands() []message.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Acknowledged is the sequence number of the client's last Acknowledgement, in bytes modulo 2^32.
func (s *Session) Acknowledged() uint32 { return s.core.Acknowledged() }

// Send sends messages with one write, unless they are many.
func (s *Session) Send(messages ...chunk.Outgoing) error {
	return s.write(func(b *session.Batch) error {
		for _, o := range messages {
			if _, used := s.shaped[o.ChunkStreamID]; used { // the chunk writer does not know what a shaper has sent
				o.Format = chunk.Format0
				delete(s.shaped, o.ChunkStreamID)
			}
			if err := b.Add(&o); err != nil {
				return err
			}
		}
		return nil
	})
}

// SendRaw sends bytes as they are.
func (s *Session) SendRaw(b []byte) error {
	return s.append(func(dst []byte, _ *chunk.Writer) ([]byte, error) { return append(dst, b...), nil })
}

// append sends what encode appends, which may make its own chunks.
func (s *Session) append(encode func(dst []byte, out *chunk.Writer) ([]byte, error)) error {
	return s.write(func(b *session.Batch) error { return b.Append(encode) })
}

// write calls fill with the write lock held.
func (s *Session) write(fill func(*session.Batch) error) error {
	b, err := s.core.Begin(nil)
	if err != nil {
		return err
	}
	return b.End(fill(&b))
}

// Ping sends a PingRequest. The answer is seen by Config.OnMessage.
func (s *Session) Ping(ms uint32) error { return s.Send(session.Event(message.EventPingRequest, ms)) }

// hangUp ends the session from our side such that the client gets everything that was sent: a FIN now, and the socket is
// closed when the client has gone or lingerTimeout is over. A close with unread input would be a reset.
func (s *Session) hangUp() {
	s.core.Leaving()
	ctx, cancel := context.WithTimeout(context.Background(), lingerTimeout)
	if !s.core.CloseWrite(ctx) {
		s.Close()
	}
	if !s.core.Own(func() {
		defer cancel()
		select {
		case <-ctx.Done():
			s.Close()
		case <-s.core.Done():
		}
	}) {
		cancel()
	}
}

// serve is the session's goroutine: it reads until the client goes.
func (s *Session) serve() {
	defer s.end()
	err := s.shakeHands()
	if err == nil {
		s.helper.Go(s.sendShared)
		err = s.core.Await(context.Background(), "serve", nil)
	}
	s.server.cfg.Logger.Debug("test server: session ended", "error", err)
}

func (s *Session) end() {
	s.Close()
	if s.core != nil {
		s.core.Close()
	}
	s.mu.Lock()
	streams := s.streams
	s.streams = nil
	s.mu.Unlock()
	for _, stream := range streams {
		s.release(stream)
	}
	s.server.shared.leave(s)
	s.helper.Wait()
}

// release ends what a stream was doing.
func (s *Session) release(st *stream) {
	if st.player != nil {
		st.player.stop()
	}
	if st.viewer != nil {
		s.server.hub.leave(st.viewer)
	}
	if st.live != nil {
		s.server.hub.unpublish(st.live)
	}
	st.player, st.viewer, st.live = nil, nil, nil
}

// role is the server's half of a connection, as session.Dispatcher.
type role struct{ *Session }

// Ended has nothing to add.
func (r role) Ended(err error) error { return err }

// Dispatch serves a message. It writes, which a Dispatcher should not: a client that does not read stops its session.
func (r role) Dispatch(m *session.Message, _ session.Sink) error {
	s := r.Session
	switch m.Type {
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(m.Type, m.Payload())
		if err != nil {
			return err
		}
		return s.invoked(m.StreamID, cmd)
	case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0, message.TypeDataAMF3:
		return s.published(m)
	case message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		return s.sharedReceived(m)
	case message.TypeUserControl:
		u, err := message.ParseUserControl(m.Payload())
		if err != nil {
			return err
		}
		return s.controlled(u)
	}
	return nil
}

func (s *Session) controlled(u message.UserControl) error {
	switch u.Event {
	case message.EventSWFVerifyResponse:
		return s.playerVerified(u.Data)
	case message.EventSetBufferLength: // some clients say it for stream 0: it holds for all streams here
		s.mu.Lock()
		s.buffer = u.Buffer
		streams := s.streams
		s.mu.Unlock()
		for _, st := range streams {
			if st.player != nil {
				st.player.setBuffer(u.Buffer)
			}
		}
	}
	return nil
}

// commandMessage encodes a command. The id is a message stream's, 0 for the connection's own.
func commandMessage(id uint32, name string, transaction float64, object any, args ...any) (chunk.Outgoing, error) {
	return session.Command(session.ChunkStreamCommand, id,
		&message.Command{Name: name, TransactionID: transaction, Object: object, Args: args})
}

func (s *Session) command(id uint32, name string, transaction float64, object any, args ...any) error {
	o, err := commandMessage(id, name, transaction, object, args...)
	if err != nil {
		return err
	}
	return s.Send(o)
}

func (s *Session) status(id uint32, level, code, description string) error {
	return s.Send(session.Status(id, level, code, description))
}
