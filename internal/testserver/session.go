package testserver

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
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
	nc     net.Conn       // to close and to set deadlines
	wire   net.Conn       // to write: nc or what enciphers it. Set by the session's goroutine before anybody writes
	helper sync.WaitGroup // the goroutines that play, started by the session's goroutine only

	writing sync.Mutex // guards the write side
	out     *chunk.Writer
	shaped  map[uint32]sentHeader // by chunk stream, if a shaper was the last to use it
	buf     []byte

	acknowledged atomic.Uint32
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
	calls    map[float64]func(answer *message.Command) // what to do when it comes, or (nil) no more can
	lastCall float64
	ended    bool
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
	return &Session{server: s, nc: nc, wire: nc, out: chunk.NewWriter(),
		shaped: make(map[uint32]sentHeader), streams: make(map[uint32]*stream),
		calls: make(map[float64]func(*message.Command)), shared: make(chan chunk.Outgoing, maxSharedQueue)}
}

// Close hangs up.
func (s *Session) Close() {
	s.nc.Close()
	s.endCalls()
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
func (s *Session) Acknowledged() uint32 { return s.acknowledged.Load() }

// Send sends messages with one write.
func (s *Session) Send(messages ...chunk.Outgoing) error {
	return s.write(func(dst []byte) ([]byte, error) {
		for _, o := range messages {
			if _, used := s.shaped[o.ChunkStreamID]; used { // s.out does not know what a shaper has sent
				o.Format = chunk.Format0
				delete(s.shaped, o.ChunkStreamID)
			}
			var err error
			if dst, err = s.out.AppendMessage(dst, &o); err != nil {
				return nil, err
			}
		}
		return dst, nil
	})
}

// SendRaw sends bytes as they are.
func (s *Session) SendRaw(b []byte) error {
	return s.write(func(dst []byte) ([]byte, error) { return append(dst, b...), nil })
}

// write sends what encode appends. encode owns s.out.
func (s *Session) write(encode func(dst []byte) ([]byte, error)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	b, err := encode(s.buf[:0])
	if err != nil || len(b) == 0 {
		return err
	}
	s.buf = b
	_, err = s.wire.Write(b)
	return err
}

// Ping sends a PingRequest. The answer is seen by Config.OnMessage.
func (s *Session) Ping(ms uint32) error { return s.Send(event(message.EventPingRequest, ms)) }

func control(t message.Type, body []byte) chunk.Outgoing {
	return chunk.Outgoing{Type: uint8(t), ChunkStreamID: 2, Format: chunk.Format3, Body: body}
}

func event(e message.Event, value uint32) chunk.Outgoing {
	return control(message.TypeUserControl, message.AppendUserControl(nil, e, value))
}

// hangUp ends the session from our side such that the client gets everything that was sent: a FIN now, and the socket is
// closed when the client has gone or lingerTimeout is over. A close with unread input would be a reset.
func (s *Session) hangUp() {
	closeWrite(s.wire)
	s.nc.SetReadDeadline(time.Now().Add(lingerTimeout))
}

// serve is the session's goroutine: it reads until the client goes.
func (s *Session) serve() {
	defer s.end()
	s.helper.Go(s.sendShared)
	in := &counter{Conn: s.nc, window: s.server.cfg.WindowAckSize}
	if err := s.read(in); err != nil {
		s.server.cfg.Logger.Debug("test server: session ended", "error", err)
	}
}

func (s *Session) read(in *counter) error {
	if err := s.shakeHands(in); err != nil {
		return err
	}
	r := chunk.NewReader(in, maxClientMsg)
	for {
		var m chunk.Message
		if err := r.Next(&m); err != nil {
			return err
		}
		if s.server.cfg.OnMessage != nil {
			s.server.cfg.OnMessage(s, &m)
		}
		if err := s.received(in, &m); err != nil {
			return err
		}
		if in.due() {
			if err := s.Send(control(message.TypeAcknowledgement, message.AppendUint32(nil, in.count))); err != nil {
				return err
			}
		}
	}
}

func (s *Session) end() {
	s.Close()
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

// counter counts what the client sends, from the first byte of the handshake, for the acknowledgements that some clients
// wait for. It belongs to the session's goroutine.
type counter struct {
	net.Conn
	count, acked uint32 // bytes modulo 2^32
	window       uint32
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.count += uint32(n)
	return n, err
}

// due tells that an Acknowledgement should be sent now: at half the window.
func (c *counter) due() bool {
	if c.count-c.acked < max(c.window/2, 1) {
		return false
	}
	c.acked = c.count
	return true
}

// received serves a message.
func (s *Session) received(in *counter, m *chunk.Message) error {
	t := message.Type(m.Type)
	switch t {
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(t, m.Body())
		if err != nil {
			return err
		}
		return s.invoked(m.StreamID, cmd)
	case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0, message.TypeDataAMF3:
		return s.published(m)
	case message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		return s.sharedReceived(m)
	case message.TypeWindowAckSize, message.TypeAcknowledgement:
		v, err := message.Uint32(t, m.Body())
		if err == nil && t == message.TypeWindowAckSize {
			in.window = v
		} else if err == nil {
			s.acknowledged.Store(v)
		}
		return err
	case message.TypeUserControl:
		u, err := message.ParseUserControl(m.Body())
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
	case message.EventPingRequest:
		return s.Send(event(message.EventPingResponse, u.Value))
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
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0,
		&message.Command{Name: name, TransactionID: transaction, Object: object, Args: args})
	if err != nil {
		return chunk.Outgoing{}, fmt.Errorf("test server: %s: %w", name, err)
	}
	return chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, StreamID: id,
		Format: chunk.Format3, Body: body}, nil
}

func statusMessage(id uint32, level, code, description string) (chunk.Outgoing, error) {
	return commandMessage(id, "onStatus", 0, nil, message.StatusObject(level, code, description))
}

func (s *Session) command(id uint32, name string, transaction float64, object any, args ...any) error {
	o, err := commandMessage(id, name, transaction, object, args...)
	if err != nil {
		return err
	}
	return s.Send(o)
}

func (s *Session) status(id uint32, level, code, description string) error {
	return s.command(id, "onStatus", 0, nil, message.StatusObject(level, code, description))
}
