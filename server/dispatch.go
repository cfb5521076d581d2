package server

import (
	"bytes"
	"io"
	"math"
	"net"
	"slices"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// dispatcher is the server's half of a connection, a session.Dispatcher. All methods except Ended run on the reader, so they must not block,
// write or call a hook. commands does these things for them, on the hooks' goroutine.
type dispatcher struct {
	*Conn
	commands commands
	greeted  bool // the first command has been received, which must be connect; it may not have been answered yet
	gatherer gatherer
}

// Ended ends all activities of the connection, and arranges for the hooks to be called.
func (d *dispatcher) Ended(err error) error {
	d.leaving.Store(true)
	if !d.informed.Load() && !session.HungUp(err) && d.publishes() {
		d.reset()
	}
	d.end(err)
	d.watchdog.end()
	d.hooks.Finish(func() { d.guard(func() { d.farewell(err) }) })
	return err
}

// publishes reports whether the client may be sending media.
func (c *Conn) publishes() bool {
	return slices.ContainsFunc(c.allStreams(), func(st *netStream) bool { return st.ingest() != nil })
}

// reset makes the end of the connection a reset. After a FIN, a client that has sent everything would believe that it has been published,
// although the server has dropped the last media.
func (c *Conn) reset() {
	switch nc := below(c.dialed).(type) {
	case *net.TCPConn:
		nc.SetLinger(0)
		nc.Close() // before TLS sends its close_notify
	case tunnelled:
		nc.Reset()
	}
}

// tap passes every message from connect on to App.Packet.
func (d *dispatcher) tap(m *session.Message) (served bool, err error) {
	if !d.greeted && (m.Type == message.TypeCommandAMF0 || m.Type == message.TypeCommandAMF3) {
		if cmd, err := message.ParseCommand(m.Type, m.Payload()); err == nil && cmd.Name == "connect" {
			d.introduce(cmd, m)
		}
	}
	return d.application().packet(d.Conn, m)
}

// Dispatch serves a message.
func (d *dispatcher) Dispatch(m *session.Message, _ session.Sink) error {
	if d.leaving.Load() {
		return nil
	}
	switch m.Type {
	case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0, message.TypeDataAMF3:
		d.media(m)
	case message.TypeAggregate:
		d.aggregate(m)
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		return d.commandReceived(m)
	case message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		d.sharedReceived(m)
	case message.TypeUserControl:
		d.userControl(m)
	default:
		d.session.Counters().UnknownMessages.Add(1)
	}
	return nil
}

// media passes a message to the ingest of its stream, or drops it if nothing is published there.
func (d *dispatcher) media(m *session.Message) {
	if st := d.stream(m.StreamID); st != nil {
		if in := st.ingest(); in != nil {
			in.receive(m)
		}
	}
}

func (d *dispatcher) aggregate(m *session.Message) {
	for part, err := range m.Parts() {
		if err != nil {
			d.session.Unreadable(m, err)
			return
		}
		if part.Type.Media() {
			d.media(part)
		}
	}
}

func (d *dispatcher) userControl(m *session.Message) {
	u, err := message.ParseUserControl(m.Payload())
	if err != nil {
		return // the session has already counted its bytes
	}
	switch u.Event {
	case message.EventSetBufferLength:
		d.setBuffer(u.Value, u.Buffer)
	case message.EventSWFVerifyResponse:
		response := bytes.Clone(u.Data)
		d.later(len(response), func() { d.commands.playerVerified(response) })
	}
}

// setBuffer handles SetBufferLength. A value for stream 0 applies to all streams for which the client has sent no value of their own. It
// does not replace such values, since librtmp sends 300 ms for stream 0 when its connect has been accepted, possibly after the value for a
// particular stream.
func (d *dispatcher) setBuffer(id, ms uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, st := range d.streams {
		if st.id == id {
			st.bufferKnown = true
		} else if id != 0 || st.bufferKnown {
			continue
		}
		st.setBuffer(ms)
	}
}

// commandReceived does the part of a command on which later messages depend, such as allocating a stream id. The hooks' goroutine does the
// rest. A command that cannot be parsed is ignored.
func (d *dispatcher) commandReceived(m *session.Message) error {
	cmd, err := message.ParseCommand(m.Type, m.Payload())
	if err != nil && (!d.greeted || cmd.Name == "connect") {
		return &message.ProtocolError{Phase: "connect", Err: err}
	}
	if err != nil {
		d.session.Unreadable(m, err)
		return nil
	}
	if (cmd.Name == "connect") == d.greeted {
		d.disorder(cmd)
		return nil
	}
	id := m.StreamID
	switch cmd.Name {
	case "connect":
		return d.connectReceived(cmd)
	case "_result", "_error":
		return d.answered(&cmd)
	case "createStream":
		d.createStream(cmd)
		return nil
	case "closeStream", "deleteStream":
		d.streamClosed(id, cmd)
		return nil
	case "publish":
		d.publishReceived(id, cmd)
		return nil
	}
	d.serve(cmd, func() { d.commands.invoked(id, cmd) })
	return nil
}

// serve calls f on the hooks' goroutine, unless the connection is already ending by then.
func (c *Conn) serve(cmd message.Command, f func()) {
	c.later(amf.Size(cmd.Name, cmd.Object, cmd.Args), func() {
		if !c.leaving.Load() {
			f()
		}
	})
}

// answered completes the call that has the answer's transaction id. An _error that matches no call goes to App.Status.
func (d *dispatcher) answered(cmd *message.Command) error {
	found, err := d.session.CallAnswered(cmd, nil)
	if !found && cmd.Name == "_error" && !d.byHand {
		d.statusReceived(*cmd)
	}
	return err
}

func (c *Conn) statusReceived(cmd message.Command) {
	if app := c.application(); app.App != nil && app.Status != nil {
		status := message.ParseStatus(append([]any{cmd.Object}, cmd.Args...))
		c.serve(cmd, func() { app.status(c, status) })
	}
}

// createStream allocates a stream id. The stream exists at once, since some clients do not wait for the answer, and guess the id.
func (d *dispatcher) createStream(cmd message.Command) {
	d.mu.Lock()
	var st *netStream
	if d.open < orDefault(d.server.MaxStreams, defaultMaxStreams, math.MaxInt) {
		d.open++
		d.lastID++
		st = &netStream{conn: d.Conn, id: d.lastID, buffer: -1}
		d.streams[st.id] = st
	}
	d.mu.Unlock()
	d.serve(cmd, func() {
		if st != nil {
			d.commands.result(cmd, float64(st.id))
			return
		}
		d.commands.failed(cmd, message.CodeFailed, "MaxStreams: too many streams")
	})
}

// streamClosed ends the activity of a stream and, for deleteStream, also the stream. Unknown ids are ignored.
func (d *dispatcher) streamClosed(id uint32, cmd message.Command) {
	if n, ok := number(cmd.Args, 0); ok && cmd.Name == "deleteStream" {
		id = milliseconds(n)
	}
	st := d.stream(id)
	if st == nil {
		return
	}
	st.endIngest(io.EOF)
	last := cmd.Name == "deleteStream"
	if last {
		d.mu.Lock()
		st.deleted = true
		d.open--
		d.mu.Unlock()
	}
	d.serve(cmd, func() {
		st.finish(st.activity())
		if last { // not st.deleted, which a later command may have set already
			d.mu.Lock()
			defer d.mu.Unlock()
			delete(d.streams, id)
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
