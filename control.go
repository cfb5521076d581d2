package rtmp

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
)

// dispatch does what a received message asks for. It never blocks and never writes; it runs under pump.dispatching.
// direct is the stream whose Read is doing the reading, if any. An error is fatal to the connection.
func (c *Conn) dispatch(m *incoming, direct *Stream) error {
	c.counts.messages.Add(1)
	switch m.Type {
	case message.TypeAudio, message.TypeVideo:
		c.media(m, direct)
	case message.TypeDataAMF0, message.TypeDataAMF3:
		c.data(m, direct)
	case message.TypeAggregate:
		c.aggregate(m, direct)
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		return c.commandReceived(m)
	case message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		return c.sharedObjectReceived(m)
	case message.TypeUserControl:
		c.userControl(m)
	case message.TypeWindowAckSize, message.TypeSetPeerBandwidth:
		c.window(m)
	case message.TypeAcknowledgement: // limits nobody: servers disagree on how it wraps
		c.counts.acknowledgements.Add(1)
	case message.TypeSetChunkSize, message.TypeAbort: // the chunk reader has acted on them
	default:
		c.counts.unknownMessages.Add(1)
		c.log.Debug("rtmp: skipped message", "type", m.Type, "bytes", m.size())
	}
	return nil
}

func (c *Conn) media(m *incoming, direct *Stream) {
	c.quickAcks.stop()
	if s := c.streams.of(m.StreamID); s != nil {
		s.receive(m, s == direct)
		return
	}
	c.counts.strayMedia.Add(1)
}

func (c *Conn) data(m *incoming, direct *Stream) {
	s := c.streams.of(m.StreamID)
	if s == nil {
		c.counts.strayMedia.Add(1)
		return
	}
	if body, found := bytes.CutPrefix(m.body(), setDataFrame); found && m.Type == message.TypeDataAMF0 {
		m.Body, m.msg = body, nil // a publisher's order to its server, which some hand on to players (gortmplib)
	}
	d, err := message.ParseData(m.Type, m.body())
	if err != nil {
		c.unreadable(m, err)
	}
	switch d.Name {
	case "onMetaData":
		if err != nil {
			c.counts.lostMedia.Add(1)
		}
		s.metadataReceived(d.Args)
	case "onPlayStatus":
		// librtmp ignores it, and playlists send it between their items: the end is told by other means.
	}
	s.receive(m, s == direct)
}

// aggregate takes the messages out of an aggregate. Where it is damaged, those before the damage are kept.
func (c *Conn) aggregate(m *incoming, direct *Stream) {
	for sub, err := range message.Aggregate(m.Timestamp, m.body()) {
		if err != nil {
			c.counts.badData.Add(1)
			c.counts.lostMedia.Add(1)
			c.log.Debug("rtmp: damaged aggregate", "error", err)
			return
		}
		part := incoming{Packet: m.Packet}
		part.Type, part.Timestamp, part.Body = sub.Type, sub.Timestamp, sub.Body
		switch sub.Type {
		case message.TypeAudio, message.TypeVideo:
			c.media(&part, direct)
		case message.TypeDataAMF0, message.TypeDataAMF3:
			c.data(&part, direct)
		default:
			c.counts.unknownMessages.Add(1)
		}
	}
}

// window obeys Window Acknowledgement Size, and answers Set Peer Bandwidth (RTMP 1.0 sections 5.4.4 and 5.4.5).
func (c *Conn) window(m *incoming) {
	size, err := message.Uint32(m.Type, m.body())
	if err != nil {
		c.unreadable(m, err)
		return
	}
	c.pump.mu.Lock()
	defer c.pump.mu.Unlock()
	switch {
	case m.Type == message.TypeSetPeerBandwidth && size != c.pump.announced:
		c.pump.announced = size
		c.announceWindow(size)
	case m.Type == message.TypeWindowAckSize && size > 0: // 0 has been seen; an acknowledgement for every byte can't be meant
		c.pump.window = size
	}
}

func (c *Conn) userControl(m *incoming) {
	u, err := message.ParseUserControl(m.body())
	if err != nil {
		c.unreadable(m, err)
		return
	}
	switch u.Event {
	case message.EventPingRequest:
		c.replyControl(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingResponse, u.Value))
	case message.EventStreamEOF:
		if s := c.streams.of(u.Value); s != nil {
			s.streamEOF()
		}
	case message.EventSWFVerifyRequest:
		c.verifyPlayer(u.Data)
	case message.EventStreamBegin, message.EventStreamDry, message.EventStreamIsRecorded, message.EventPingResponse,
		message.EventBufferEmpty, message.EventBufferReady:
		c.log.Debug("rtmp: user control event", "event", uint16(u.Event), "value", u.Value)
	default:
		c.counts.unknownEvents.Add(1)
		c.log.Debug("rtmp: skipped user control event", "event", uint16(u.Event))
	}
}

// verifyPlayer answers SWF verification (legacy.md 4), if it can.
func (c *Conn) verifyPlayer(request []byte) {
	if c.verification == nil || !swf.Answerable(request) {
		c.log.Warn("rtmp: the server asks for SWF verification: without SWFVerify, or SWFHash and SWFSize, it gets no answer",
			"request", quote.Peer(string(request)))
		return
	}
	c.replyControl(message.TypeUserControl, c.verification)
}

func (c *Conn) replyControl(t message.Type, body []byte) { c.reply(control(t, body)) }

// replyCommand leaves a command for the next writer. It fails only for arguments that AMF can't express.
func (c *Conn) replyCommand(cmd *message.Command) error {
	o, err := command(csCommand, 0, cmd)
	if err == nil {
		c.reply(o)
	}
	return err
}

// commandReceived handles a command: an answer, a status, one of the methods every client knows, or a call for the
// program. Of one that is damaged, or has an odd transaction id, what could be read counts.
func (c *Conn) commandReceived(m *incoming) error {
	cmd, damage := message.ParseCommand(m.Type, m.body())
	if damage != nil {
		c.unreadable(m, damage)
		if cmd.Name == "" {
			return nil
		}
	}
	c.log.Debug("rtmp: command", "name", quote.Peer(cmd.Name), "transaction", cmd.TransactionID, "stream", m.StreamID)
	switch cmd.Name {
	case "_result", "_error":
		return c.answered(&cmd, damage)
	case "onStatus":
		c.statusReceived(m.StreamID, message.ParseStatus(cmd.Args))
		return nil
	case "close":
		return &lostError{what: "server called close"}
	}
	known, err := c.knownMethod(&cmd)
	if err != nil {
		return err
	}
	c.invoked.arrived(c, &cmd, known)
	return nil
}

// unreadable counts a message that could not be read, or not as a whole.
func (c *Conn) unreadable(m *incoming, err error) {
	c.counts.badData.Add(1)
	c.log.Debug("rtmp: unreadable message", "type", m.Type, "error", err)
}

// answered completes the call that a _result or _error belongs to. Answers to calls that nobody made are ignored. damage is
// why not all of it could be read: that matters only where the result itself is missing, and is the end of a connection
// whose connect is still unanswered.
func (c *Conn) answered(cmd *message.Command, damage error) error {
	k := c.calls.take(cmd.TransactionID)
	if k == nil {
		if damage != nil && cmd.TransactionID == 0 && c.connectCall != nil && !c.connectCall.isDone() {
			return unreadableAnswer("connect", damage)
		}
		return nil
	}
	reply := append([]any{cmd.Object}, cmd.Args...)
	if cmd.Name == "_error" {
		k.complete(reply, c.refusal(message.ParseStatus(reply)))
		return nil
	}
	connect := k == c.connectCall
	if damage != nil && (cmd.Args == nil || len(cmd.Args) == 0 && !connect) { // connect's says all with its coming
		err := unreadableAnswer(k.method, damage)
		if k.complete(nil, err); connect {
			return err
		}
		return nil
	}
	if connect {
		if err := c.connectAccepted(reply); err != nil {
			return err
		}
	}
	k.complete(reply, nil)
	return nil
}

func unreadableAnswer(method string, damage error) error {
	return &ProtocolError{Phase: "command", Detail: "answer to " + method, Err: damage}
}

// connectAccepted says what librtmp says right after connect's _result: the acknowledgement window we expect, and a
// small buffer for the connection as a whole.
func (c *Conn) connectAccepted(reply []any) error {
	if err := c.answerChallenge(reply); err != nil {
		return err
	}
	if encoding, _ := findValue(reply, "objectEncoding", 0).(float64); encoding == 3 && c.opts.ObjectEncoding == 3 {
		c.amf3.Store(true)
	}
	c.pump.mu.Lock()
	window, known := c.pump.window, c.pump.window == c.pump.announced
	c.pump.announced = window
	c.pump.mu.Unlock()
	if !known { // by our answer to Set Peer Bandwidth
		c.announceWindow(window)
	}
	c.replyControl(message.TypeUserControl, message.AppendSetBufferLength(nil, 0, 300))
	return nil
}

// knownMethod answers the calls that servers make of every client (Adobe's bandwidth check, ping). A program's handler
// for the same name runs as well.
func (c *Conn) knownMethod(cmd *message.Command) (known bool, err error) {
	switch cmd.Name {
	case "onBWDone": // only the first: some servers repeat it after every check
		if c.bandwidthChecks++; c.bandwidthChecks == 1 {
			err = c.replyCommand(&message.Command{Name: "_checkbw", TransactionID: c.calls.nextID()})
		}
	case "_onbwcheck":
		count := float64(c.bandwidthReplies)
		c.bandwidthReplies++
		err = c.replyCommand(&message.Command{Name: "_result", TransactionID: cmd.TransactionID, Args: []any{count}})
	case "ping":
		err = c.replyCommand(&message.Command{Name: "pong", TransactionID: cmd.TransactionID})
	case "onFCUnsubscribe":
		for _, s := range c.streams.all() {
			s.end()
		}
	case "_onbwdone", "onFCSubscribe", "onFCPublish", "onFCUnpublish", "playlist_ready":
	default:
		return false, nil
	}
	return true, err
}

// statusReceived hands an onStatus to its stream. Servers are seen that send a stream's status on message stream 0.
func (c *Conn) statusReceived(streamID uint32, status message.Status) {
	level := slog.LevelDebug
	if status.Level == "error" {
		level = slog.LevelWarn
	}
	c.log.Log(ctxBackground, level, "rtmp: status", "stream", streamID, "code", quote.Peer(status.Code),
		"level", quote.Peer(status.Level), "description", quote.Peer(c.mask(status.Description)))
	s := c.streams.of(streamID)
	if s != nil {
		s.statusReceived(status)
	}
	if k := c.connectCall; k != nil && status.Level == "error" && strings.HasPrefix(status.Code, "NetConnection.Connect.") {
		if c.calls.take(k.id) == k { // SRS refuses a connect this way
			k.complete(nil, c.refusal(status))
		}
	}
	if on := c.opts.OnStatus; on != nil {
		size := amf.Size(status.Info) // the other fields are parts of it
		if !c.invoked.run(c, size, func() { on(s, statusError(status)) }) {
			c.dropped(1, status.Code)
		}
	}
}

// streamIDOf reads the message stream id that createStream's _result carries.
func streamIDOf(result any) (uint32, error) {
	id, ok := result.(float64)
	if !ok || id < 0 || id > 1<<32-1 || id != float64(uint32(id)) {
		return 0, &ProtocolError{Phase: "command", Detail: "createStream's result is no stream id", Value: result}
	}
	return uint32(id), nil
}

// onMetaDataPrefix is how the body of an onMetaData message begins: the AMF0 string.
var onMetaDataPrefix = append(binary.BigEndian.AppendUint16([]byte{2}, 10), "onMetaData"...)
