package testserver

import (
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

const (
	ackWindow    = 2_500_000
	maxClientMsg = 16 << 20
)

// Session is one client. Its methods may be called from any goroutine.
type Session struct {
	server *Server
	nc     net.Conn
	helper sync.WaitGroup // the goroutines that play

	writing sync.Mutex // guards the write side
	out     *chunk.Writer
	buf     []byte

	mu       sync.Mutex // guards the rest
	connect  message.Command
	commands []message.Command
	streams  map[uint32]*stream
	lastID   uint32
	calls    map[float64]chan message.Command
	lastCall float64
	ended    bool
}

// stream is a message stream: nothing yet, a player or a publisher.
type stream struct {
	id     uint32
	player *player
	viewer *viewer
	live   *live
}

func newSession(s *Server, nc net.Conn) *Session {
	return &Session{server: s, nc: nc, out: chunk.NewWriter(), streams: make(map[uint32]*stream),
		calls: make(map[float64]chan message.Command)}
}

// Close hangs up.
func (s *Session) Close() { s.nc.Close() }

// Connect is the client's connect command.
func (s *Session) Connect() message.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connect
}

// Commands are the commands that the client has sent so far.
func (s *Session) Commands() []message.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Call calls a method of the client. The answer, _result or _error, comes through the channel, which is closed without
// one when the session ends.
func (s *Session) Call(method string, args ...any) (<-chan message.Command, error) {
	s.mu.Lock()
	s.lastCall++
	id, answer := s.lastCall, make(chan message.Command, 1)
	if s.ended {
		close(answer)
	} else {
		s.calls[id] = answer
	}
	s.mu.Unlock()
	return answer, s.command(0, method, id, nil, args...)
}

// Notify calls a method of the client without asking for an answer.
func (s *Session) Notify(method string, args ...any) error {
	return s.command(0, method, 0, nil, args...)
}

// Send sends messages with one write.
func (s *Session) Send(messages ...chunk.Outgoing) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.buf = s.buf[:0]
	for i := range messages {
		var err error
		if s.buf, err = s.out.AppendMessage(s.buf, &messages[i]); err != nil {
			return err
		}
	}
	_, err := s.nc.Write(s.buf)
	return err
}

// SendRaw sends bytes as they are.
func (s *Session) SendRaw(b []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.nc.Write(b)
	return err
}

func control(t message.Type, body []byte) chunk.Outgoing {
	return chunk.Outgoing{Type: uint8(t), ChunkStreamID: 2, Format: chunk.Format3, Body: body}
}

func event(e message.Event, value uint32) chunk.Outgoing {
	return control(message.TypeUserControl, message.AppendUserControl(nil, e, value))
}

func commandMessage(streamID uint32, name string, id float64, object any, args ...any) (chunk.Outgoing, error) {
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0,
		&message.Command{Name: name, TransactionID: id, Object: object, Args: args})
	if err != nil {
		return chunk.Outgoing{}, fmt.Errorf("test server: %s: %w", name, err)
	}
	return chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, StreamID: streamID,
		Format: chunk.Format3, Body: body}, nil
}

func (s *Session) command(streamID uint32, name string, id float64, object any, args ...any) error {
	o, err := commandMessage(streamID, name, id, object, args...)
	if err != nil {
		return err
	}
	return s.Send(o)
}

func (s *Session) status(streamID uint32, level, code, description string) error {
	return s.command(streamID, "onStatus", 0, nil, message.StatusObject(level, code, description))
}

// serve is the session's goroutine: it reads until the client goes.
func (s *Session) serve() {
	defer s.end()
	if _, err := handshake.Server(s.nc, handshake.Config{}); err != nil {
		s.server.cfg.Logger.Debug("test server: handshake", "error", err)
		return
	}
	counter := &counter{Conn: s.nc, session: s}
	in := chunk.NewReader(counter, maxClientMsg)
	var m chunk.Message
	for {
		err := in.Next(&m)
		if err == nil {
			err = s.received(&m)
		}
		if err == nil {
			err = counter.acknowledge()
		}
		if err != nil {
			s.server.cfg.Logger.Debug("test server: session ended", "error", err)
			return
		}
	}
}

func (s *Session) end() {
	s.nc.Close()
	s.mu.Lock()
	s.ended = true
	streams := s.streams
	s.streams = nil
	for id, answer := range s.calls {
		close(answer)
		delete(s.calls, id)
	}
	s.mu.Unlock()
	for _, stream := range streams {
		s.release(stream)
	}
	s.helper.Wait()
}

// counter counts what the client sends, for the acknowledgements that some clients wait for.
type counter struct {
	net.Conn
	session      *Session
	count, acked uint32
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.count += uint32(n)
	return n, err
}

func (c *counter) acknowledge() error {
	if c.count-c.acked < ackWindow/2 {
		return nil
	}
	c.acked = c.count
	return c.session.Send(control(message.TypeAcknowledgement, message.AppendUint32(nil, c.count)))
}

func (s *Session) received(m *chunk.Message) error {
	t := message.Type(m.Type)
	switch t {
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(t, m.Body())
		if err != nil {
			return err
		}
		return s.invoked(m.StreamID, cmd)
	case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0:
		return s.published(m)
	case message.TypeUserControl:
		u, err := message.ParseUserControl(m.Body())
		if err == nil && u.Event == message.EventPingRequest {
			return s.Send(event(message.EventPingResponse, u.Value))
		}
		return err
	}
	return nil
}

// invoked serves a command.
func (s *Session) invoked(streamID uint32, cmd message.Command) error {
	s.mu.Lock()
	s.commands = append(s.commands, cmd)
	stream := s.streams[streamID]
	s.mu.Unlock()
	s.server.cfg.Logger.Debug("test server: command", "name", cmd.Name, "args", cmd.Args)
	switch cmd.Name {
	case "connect":
		return s.connected(cmd)
	case "createStream":
		return s.createStream(cmd)
	case "deleteStream", "closeStream":
		if id, ok := number(cmd.Args, 0); ok {
			streamID = uint32(id)
		}
		s.deleteStream(streamID)
		return nil
	case "_result", "_error":
		s.answered(cmd)
		return nil
	case "releaseStream", "_checkbw", "FCPublish", "FCUnpublish":
		return s.command(0, "_result", cmd.TransactionID, nil, amf.Undefined)
	case "FCSubscribe":
		name, _ := text(cmd.Args, 0)
		return s.command(0, "onFCSubscribe", 0, nil, message.StatusObject("status", "NetStream.Play.Start", name))
	case "getStreamLength":
		return s.streamLength(cmd)
	case "set_playlist":
		return s.command(0, "playlist_ready", 0, nil)
	case "play", "publish", "pause", "seek", "receiveAudio", "receiveVideo":
		if stream == nil {
			return s.command(0, "_error", cmd.TransactionID, nil,
				message.StatusObject("error", "NetConnection.Call.Failed", "no such stream"))
		}
		return s.streamCommand(stream, cmd)
	}
	return s.call(cmd)
}

func (s *Session) connected(cmd message.Command) error {
	s.mu.Lock()
	s.connect = cmd
	s.mu.Unlock()
	object, _ := cmd.Object.(amf.Object)
	get := func(name string) any { v, _ := object.Get(name); return v }
	app, _ := get("app").(string)
	if apps := s.server.cfg.Apps; len(apps) > 0 && !slices.Contains(apps, app) {
		return s.command(0, "_error", cmd.TransactionID, nil,
			message.StatusObject("error", "NetConnection.Connect.InvalidApp", "no application "+app))
	}
	encoding, _ := get("objectEncoding").(float64)
	result, err := commandMessage(0, "_result", cmd.TransactionID,
		amf.Object{{Name: "fmsVer", Value: "FMS/3,5,7,7009"}, {Name: "capabilities", Value: 31.0}, {Name: "mode", Value: 1.0}},
		append(message.StatusObject("status", "NetConnection.Connect.Success", "Connection succeeded."),
			amf.Property{Name: "objectEncoding", Value: encoding}))
	if err != nil {
		return err
	}
	err = s.Send(control(message.TypeWindowAckSize, message.AppendUint32(nil, ackWindow)),
		control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, ackWindow, message.LimitDynamic)),
		event(message.EventStreamBegin, 0),
		control(message.TypeSetChunkSize, message.AppendUint32(nil, uint32(s.server.cfg.ChunkSize))), result)
	if err == nil && s.server.cfg.OnConnect != nil {
		s.server.cfg.OnConnect(s)
	}
	return err
}

// maxStreams bounds what a client can open.
const maxStreams = 64

func (s *Session) createStream(cmd message.Command) error {
	s.mu.Lock()
	if len(s.streams) >= maxStreams {
		s.mu.Unlock()
		return s.command(0, "_error", cmd.TransactionID, nil,
			message.StatusObject("error", "NetConnection.Call.Failed", "too many streams"))
	}
	s.lastID++
	id := s.lastID
	s.streams[id] = &stream{id: id}
	s.mu.Unlock()
	return s.command(0, "_result", cmd.TransactionID, nil, float64(id))
}

func (s *Session) deleteStream(id uint32) {
	s.mu.Lock()
	stream := s.streams[id]
	delete(s.streams, id)
	s.mu.Unlock()
	if stream != nil {
		s.release(stream)
	}
}

// release ends what a stream was doing.
func (s *Session) release(st *stream) {
	if st.player != nil {
		st.player.stop()
	}
	if st.viewer != nil {
		st.viewer.leave()
	}
	if st.live != nil {
		st.live.unpublish()
	}
}

func (s *Session) answered(cmd message.Command) {
	s.mu.Lock()
	answer := s.calls[cmd.TransactionID]
	delete(s.calls, cmd.TransactionID)
	s.mu.Unlock()
	if answer != nil {
		answer <- cmd
	}
}

// call serves a remote call of the client.
func (s *Session) call(cmd message.Command) error {
	handler := s.server.cfg.Handlers[cmd.Name]
	err := fmt.Errorf("method %s is not known", cmd.Name)
	var result any
	if handler != nil {
		result, err = handler(s, cmd)
	}
	if cmd.TransactionID == 0 {
		return nil
	}
	if err != nil {
		return s.command(0, "_error", cmd.TransactionID, nil,
			message.StatusObject("error", "NetConnection.Call.Failed", err.Error()))
	}
	return s.command(0, "_result", cmd.TransactionID, nil, result)
}

func (s *Session) streamLength(cmd message.Command) error {
	name, _ := text(cmd.Args, 0)
	seconds := 0.0
	if tags, err := s.server.recording(name); err == nil && len(tags) > 0 {
		seconds = float64(tags[len(tags)-1].Timestamp) / 1000
	}
	return s.command(0, "_result", cmd.TransactionID, nil, seconds)
}

func number(args []any, i int) (float64, bool) {
	if i >= len(args) {
		return 0, false
	}
	v, ok := args[i].(float64)
	return v, ok
}

func text(args []any, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	v, ok := args[i].(string)
	return v, ok
}
