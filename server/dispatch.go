package server

import (
	"bytes"
	"io"
	"math"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// stage is the progress of a client's setup.
type stage uint8

const (
	stageNew       stage = iota
	stageConnected       // connect has been received; it may not have been answered yet
)

// dispatcher is the server's half of a connection, a session.Dispatcher. All methods except Ended run on the reader, so they must not block,
// write or call a hook. The hooks' goroutine does these things for them.
type dispatcher struct{ *Conn }

// Ended ends all activities of the connection, and arranges for the hooks to be called.
func (d dispatcher) Ended(err error) error {
	c := d.Conn
	c.leaving.Store(true)
	c.end(err)
	c.watchdog.end()
	c.hooks.Finish(func() { c.guard(func() { c.farewell(err) }) })
	return err
}

// tap passes every message from connect on to App.Packet.
func (c *Conn) tap(m *session.Message) (served bool, err error) {
	if c.stage == stageNew && (m.Type == message.TypeCommandAMF0 || m.Type == message.TypeCommandAMF3) {
		if cmd, err := message.ParseCommand(m.Type, m.Payload()); err == nil && cmd.Name == "connect" {
			c.introduce(cmd, m)
		}
	}
	return c.application().packet(c, m)
}

// Dispatch serves a message.
func (d dispatcher) Dispatch(m *session.Message, _ session.Sink) error {
	c := d.Conn
	if c.leaving.Load() {
		return nil
	}
	switch m.Type {
	case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0, message.TypeDataAMF3:
		c.media(m)
	case message.TypeAggregate:
		c.aggregate(m)
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		return c.commandReceived(m)
	case message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		c.sharedReceived(m)
	case message.TypeUserControl:
		c.userControl(m)
	default:
		c.session.Counters().UnknownMessages.Add(1)
	}
	return nil
}

// media passes a message to the ingest of its stream, or drops it if nothing is published there.
func (c *Conn) media(m *session.Message) {
	if st := c.stream(m.StreamID); st != nil {
		if in := st.ingest(); in != nil {
			in.receive(m)
		}
	}
}

func (c *Conn) aggregate(m *session.Message) {
	for part, err := range m.Parts() {
		if err != nil {
			c.session.Unreadable(m, err)
			return
		}
		if part.Type.Media() {
			c.media(part)
		}
	}
}

func (c *Conn) userControl(m *session.Message) {
	u, err := message.ParseUserControl(m.Payload())
	if err != nil {
		return // the session has already counted its bytes
	}
	switch u.Event {
	case message.EventSetBufferLength:
		c.setBuffer(u.Value, u.Buffer)
	case message.EventSWFVerifyResponse:
		response := bytes.Clone(u.Data)
		c.later(len(response), func() { c.playerVerified(response) })
	}
}

// setBuffer handles SetBufferLength. A value for stream 0 applies to the streams for which the client has sent no
// value: librtmp sends 300 ms for stream 0 when its connect has been accepted, possibly after the value for a
// stream.
func (c *Conn) setBuffer(id, ms uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.streams {
		if st.id == id {
			st.bufferKnown = true
		} else if id != 0 || st.bufferKnown {
			continue
		}
		st.setBuffer(ms)
	}
}

// commandReceived at once does the part of a command that later messages depend on, such as allocating a
// stream id. The hooks' goroutine does the rest. It skips a command that cannot be parsed.
func (c *Conn) commandReceived(m *session.Message) error {
	cmd, err := message.ParseCommand(m.Type, m.Payload())
	if err != nil && (c.stage == stageNew || cmd.Name == "connect") {
		return &message.ProtocolError{Phase: "connect", Err: err}
	}
	if err != nil {
		c.session.Unreadable(m, err)
		return nil
	}
	if (cmd.Name == "connect") != (c.stage == stageNew) {
		c.disorder(cmd)
		return nil
	}
	id := m.StreamID
	switch cmd.Name {
	case "connect":
		return c.connectReceived(cmd)
	case "_result", "_error":
		return c.answered(&cmd)
	case "createStream":
		c.createStream(cmd)
		return nil
	case "closeStream", "deleteStream":
		c.streamClosed(id, cmd)
		return nil
	case "publish":
		c.publishReceived(id, cmd)
		return nil
	}
	c.serve(cmd, func() { c.invoked(id, cmd) })
	return nil
}

// serve calls f on the hooks' goroutine, unless the connection is already ending at that time.
func (c *Conn) serve(cmd message.Command, f func()) {
	c.later(amf.Size(cmd.Name, cmd.Object, cmd.Args), func() {
		if !c.leaving.Load() {
			f()
		}
	})
}

// answered completes the call with the answer's transaction id. An _error that matches no call goes to App.Status.
func (c *Conn) answered(cmd *message.Command) error {
	found, err := c.session.CallAnswered(cmd, nil)
	if !found && cmd.Name == "_error" && !c.byHand {
		c.statusReceived(*cmd)
	}
	return err
}

func (c *Conn) statusReceived(cmd message.Command) {
	if app := c.application(); app.App != nil && app.Status != nil {
		status := message.ParseStatus(append([]any{cmd.Object}, cmd.Args...))
		c.serve(cmd, func() { app.status(c, status) })
	}
}

// createStream allocates a stream id. The stream exists at once, since some clients guess the id instead of waiting
// for the answer.
func (c *Conn) createStream(cmd message.Command) {
	c.mu.Lock()
	var st *netStream
	if c.open < orDefault(c.server.MaxStreams, defaultMaxStreams, math.MaxInt) {
		c.open++
		c.lastID++
		st = &netStream{conn: c, id: c.lastID, buffer: -1}
		c.streams[st.id] = st
	}
	c.mu.Unlock()
	c.serve(cmd, func() {
		if st != nil {
			c.result(cmd, float64(st.id))
			return
		}
		c.failed(cmd, message.CodeFailed, "MaxStreams: too many streams")
	})
}

// streamClosed ends the activity of a stream and, for deleteStream, also the stream. Unknown ids are ignored.
func (c *Conn) streamClosed(id uint32, cmd message.Command) {
	if n, ok := number(cmd.Args, 0); ok && cmd.Name == "deleteStream" {
		id = milliseconds(n)
	}
	st := c.stream(id)
	if st == nil {
		return
	}
	st.endIngest(io.EOF)
	last := cmd.Name == "deleteStream"
	if last {
		c.mu.Lock()
		st.deleted = true
		c.open--
		c.mu.Unlock()
	}
	c.serve(cmd, func() {
		st.finish(st.activity())
		if last { // not st.deleted, which a later command may have set already
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.streams, id)
		}
	})
}

// stream returns the message stream with an id, or nil if it does not exist or was deleted.
func (c *Conn) stream(id uint32) *netStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.streams[id]; st != nil && !st.deleted {
		return st
	}
	return nil
}

// number returns a numeric argument. NaN counts as missing.
func number(args []any, i int) (float64, bool) {
	if i >= len(args) {
		return 0, false
	}
	v, ok := args[i].(float64)
	return v, ok && !math.IsNaN(v)
}

// milliseconds clamps a number from the client to 32 bits.
func milliseconds(f float64) uint32 { return uint32(max(0, min(f, math.MaxUint32))) }

func text(args []any, i int) string {
	if i >= len(args) {
		return ""
	}
	v, _ := args[i].(string)
	return v
}
