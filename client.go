package rtmp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/secret"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// client is the client's half of a connection. It handles the messages that the session does not handle itself.
//
// This is the lock order of the package, outermost first. It includes the locks that the comment on session.Session lists:
//
//	Conn.closing -> Stream.closing -> farewell.underWay -> all others
//	Conn.mu -> life.mu
//	reader.dispatching, write lock -> Stream.mu (streamState.mu) -> streamTable.mu, replies.mu
//	lifetime.mu -> life.mu -> Callbacks.mu, steps.mu
//
// Session.Recall takes Stream.mu. All waits of the session and Conn.Stats call it, so none of the locks from Stream.mu on may be held there.
//
// streamTable.mu, sharedTable.mu, SharedObject.mu and events.mu are innermost.
type client struct {
	link
	streams streamTable
	shared  sharedTable

	announced   bool                        // connect announced Enhanced RTMP
	connectCall *Call                       // set before anything is read
	rejection   atomic.Pointer[StatusError] // sent by the server after it has accepted connect; nil if there is none
	ahead       atomic.Pointer[pipelined]   // the pipelined stream, until CreateStream takes it over; nil if there is none

	quickAcks quickAcks // for nc

	bandwidthChecks, bandwidthReplies int // changed only by Dispatch
}

func newClient(c *core, s settings, announces bool) *client {
	k := &client{link: link{core: c, settings: s}, announced: announces}
	k.streams.conn, k.shared.conn = &k.link, &k.link
	return k
}

// begin makes a session on nc after the handshake. received is the number of bytes read during the handshake, and chunks is the writer that
// has encoded the first messages.
func (k *client) begin(nc net.Conn, received uint64, chunks *chunk.Writer) {
	k.nc = nc
	k.session = session.New(nc, k, session.Config{Peer: "server", MaxMessageSize: k.opts.MaxMessageSize, Timeout: k.opts.Timeout,
		HandshakeBytes: received, Chunks: chunks, Counters: &k.counts.Counters, BeforeRead: k.reading,
		HungUp: func(writing bool) { k.farewell.noteHangUp(nc, writing) },
		Tap:    k.opts.Trace.tap(), Sent: k.opts.Trace.sent(), Mask: k.mask, Logger: k.log})
}

// takeAhead returns the stream that Connect has requested, if o describes the same stream. If both results are nil, CreateStream must
// request the stream itself.
func (k *client) takeAhead(ctx context.Context, o StreamOptions) (*Stream, error) {
	h := k.ahead.Swap(nil)
	if h == nil {
		return nil, nil
	}
	if !h.matches(k.complete(o)) {
		h.request.end()
		h.stream.Close()
		return nil, nil
	}
	if open, err := h.await(ctx); err != nil || !open {
		return nil, err
	}
	return h.claim(ctx, o)
}

// mask replaces the client's secrets in a text from the server.
func (k *client) mask(text string) string {
	if text == "" {
		return ""
	}
	return secret.Hide(text, append(k.secrets(), k.streams.secrets()...))
}

// Dispatch handles a received message. It neither blocks nor writes. If the Read of a Stream is reading the connection, direct is the sink
// of that Stream. An error ends the connection.
func (k *client) Dispatch(m *session.Message, direct session.Sink) error {
	switch m.Type {
	case message.TypeAudio, message.TypeVideo:
		k.media(m, direct)
	case message.TypeDataAMF0, message.TypeDataAMF3:
		k.data(m, direct)
	case message.TypeAggregate:
		k.aggregate(m, direct)
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		return k.commandReceived(m)
	case message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		return k.shared.received(m)
	case message.TypeUserControl:
		k.userControl(m)
	default:
		k.counts.UnknownMessages.Add(1)
		k.log.Debug("rtmp: unknown message type", "type", m.Type, "bytes", m.Size())
	}
	return nil
}

// Ended ends the Conn, unless Connect may still make another connection.
func (k *client) Ended(err error) error {
	return k.sessionEnded(k.session, err, func(err error) error { return k.lostAtConnect(k.expelled(k.farewell.outcome(err))) })
}

// reading is called before each read of the socket, as long as it returns true.
func (k *client) reading() bool { return k.quickAcks.arm(k.counts.BytesWritten.Load()) }

func (k *client) media(m *session.Message, direct session.Sink) {
	k.quickAcks.stop()
	k.clock.mediaArrived(k.counts.BytesRead.Load())
	if s := k.streams.of(m.StreamID); s != nil {
		s.receive(m, direct == s.asSink())
		return
	}
	k.counts.strayMedia.Add(1)
}

func (k *client) data(m *session.Message, direct session.Sink) {
	s := k.streams.of(m.StreamID)
	if s == nil {
		k.counts.strayMedia.Add(1)
		return
	}
	if body, found := bytes.CutPrefix(m.Payload(), setDataFrame); found && m.Type == message.TypeDataAMF0 {
		m.SetPayload(body) // @setDataFrame is meant for the server, but some servers forward it to players (gortmplib)
	}
	d, err := message.ParseData(m.Type, m.Payload())
	if err != nil {
		k.session.Unreadable(m, err)
	}
	switch d.Name {
	case "onMetaData":
		if err != nil {
			k.counts.lostMedia.Add(1)
		}
		s.metadataReceived(d.Args)
	case "onPlayStatus":
		// Play.Complete is ignored, as in librtmp: servers send it after each item of a playlist, and signal the end of the stream in other
		// ways.
	}
	s.receive(m, direct == s.asSink())
}

// aggregate dispatches the messages in an aggregate. If the aggregate is damaged, it dispatches the messages before the damage.
func (k *client) aggregate(m *session.Message, direct session.Sink) {
	for part, err := range m.Parts() {
		if err != nil {
			k.counts.BadData.Add(1)
			k.counts.lostMedia.Add(1)
			k.log.Debug("rtmp: damaged aggregate", "error", err)
			return
		}
		switch part.Type {
		case message.TypeAudio, message.TypeVideo:
			k.media(part, direct)
		case message.TypeDataAMF0, message.TypeDataAMF3:
			k.data(part, direct)
		default:
			k.counts.UnknownMessages.Add(1)
		}
	}
}

func (k *client) userControl(m *session.Message) {
	u, err := message.ParseUserControl(m.Payload())
	if err != nil {
		return // the session has already counted the error
	}
	if told := k.observer.UserControl; told != nil {
		told(u)
	}
	switch u.Event {
	case message.EventStreamEOF:
		if s := k.streams.of(u.Value); s != nil {
			s.streamEOF()
		}
	case message.EventSWFVerifyRequest:
		k.verifyPlayer(u.Data)
	default:
		k.log.Debug("rtmp: user control event", "event", u.Event, "value", u.Value)
	}
}

// commandReceived handles a command: an answer, a status, a method that every client implements, or a call for the program. If the command
// is damaged, commandReceived uses the values before the damage.
func (k *client) commandReceived(m *session.Message) error {
	cmd, damage := message.ParseCommand(m.Type, m.Payload())
	if damage != nil {
		k.session.Unreadable(m, damage)
		if cmd.Name == "" {
			return nil
		}
	}
	if k.logs(slog.LevelDebug) {
		k.log.Debug("rtmp: command", "name", quote.Peer(cmd.Name), "transaction", cmd.TransactionID, "stream", m.StreamID)
	}
	switch cmd.Name {
	case "_result", "_error":
		return k.answered(&cmd, damage)
	case "onStatus":
		k.statusReceived(m.StreamID, message.ParseStatus(cmd.Args))
		return nil
	case "close":
		return &session.LostError{What: "server called close"}
	}
	known, err := k.knownMethod(&cmd)
	if err != nil {
		return err
	}
	k.events.callReceived(k.session, &cmd, known)
	return nil
}

// answered completes the call that a _result or _error belongs to, and ignores answers to unknown calls. While connect is unanswered, an
// answer without a readable transaction id ends the connection, since it may be the answer to connect.
func (k *client) answered(cmd *message.Command, damage error) error {
	found, err := k.session.CallAnswered(cmd, damage)
	if !found && damage != nil && cmd.TransactionID == 0 && k.connectUnanswered() {
		return session.UnreadableAnswer("connect", damage)
	}
	return err
}

// connectUnanswered reports whether connect has been sent but not yet answered.
func (k *client) connectUnanswered() bool {
	return k.connectCall != nil && !k.connectCall.call.IsDone()
}

// lostAtConnect returns a HandshakeError if the connection was lost before connect was answered.
func (k *client) lostAtConnect(err error) error {
	var lost *session.LostError
	if k.connectUnanswered() && errors.As(err, &lost) {
		return &HandshakeError{Stage: StageConnect, Err: err}
	}
	return err
}

// expelled adds the server's reason to the error of a connection that the server has accepted, rejected and closed.
func (k *client) expelled(err error) error {
	var lost *session.LostError
	rejection := k.rejection.Load()
	if rejection == nil || !errors.As(err, &lost) {
		return err
	}
	with := *lost
	with.Said = rejection
	return &with
}

// connectAccepted sends the messages that librtmp sends after connect's _result: Window Acknowledgement Size, and SetBufferLength with a
// short buffer for message stream 0. They are usually written together with createStream. After a pipelined play the short buffer is left
// out: nginx-rtmp has one buffer length for all message streams of a connection, and would send a recording no faster than it plays.
func (k *client) connectAccepted(reply []any) error {
	if err := k.answerChallenge(reply); err != nil {
		return err
	}
	if encoding, _ := amf.Find("objectEncoding", reply...); encoding == 3.0 && k.opts.ObjectEncoding == 3 {
		k.amf3.Store(true)
	}
	k.session.EchoWindow()
	if k.ahead.Load() == nil {
		k.session.ReplyLater(session.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, 0, 300)))
	}
	return nil
}

// answerChallenge sends secureTokenResponse if connect's answer contains a challenge and Options.Token is set.
func (l *link) answerChallenge(reply []any) error {
	value, _ := amf.Find("secureToken", reply...)
	challenge, found := value.(string)
	l.challenged.Store(found)
	if !found || l.opts.Token == "" {
		return nil
	}
	response, err := auth.SecureToken(l.opts.Token, challenge)
	if err != nil {
		return &ProtocolError{Phase: "secure token", Err: err}
	}
	return l.session.ReplyCommand(&message.Command{Name: "secureTokenResponse", Args: []any{response}})
}

// knownMethod implements the methods that servers call on every client, such as Adobe's bandwidth check. If the program has a handler of
// the same name, it runs as well.
func (k *client) knownMethod(cmd *message.Command) (known bool, err error) {
	switch cmd.Name {
	case "onBWDone": // answer only the first call: some servers repeat it after every check
		if k.bandwidthChecks++; k.bandwidthChecks == 1 {
			err = k.session.ReplyCommand(&message.Command{Name: "_checkbw", TransactionID: k.session.NextID()})
		}
	case "_onbwcheck":
		count := float64(k.bandwidthReplies)
		k.bandwidthReplies++
		err = k.session.ReplyCommand(&message.Command{Name: "_result", TransactionID: cmd.TransactionID, Args: []any{count}})
	case "ping":
		err = k.session.ReplyCommand(&message.Command{Name: "pong", TransactionID: cmd.TransactionID})
	case "onFCUnsubscribe":
		for _, s := range k.streams.all() {
			s.end()
		}
	case "_onbwdone", "onFCSubscribe", "onFCPublish", "onFCUnpublish", "playlist_ready":
	default:
		return false, nil
	}
	return true, err
}

// logs reports whether the level is logged. If not, the caller need not compute the arguments.
func (k *client) logs(level slog.Level) bool { return k.log.Enabled(context.Background(), level) }

// statusReceived passes an onStatus to its stream. Some servers send the statuses of a stream on message stream 0.
func (k *client) statusReceived(streamID uint32, status *StatusError) {
	level := slog.LevelDebug
	if status.Level == "error" {
		level = slog.LevelWarn
	}
	if k.logs(level) {
		k.log.Log(context.Background(), level, "rtmp: status", "stream", streamID, "code", quote.Peer(k.mask(status.Code)),
			"level", quote.Peer(status.Level), "description", quote.Peer(k.mask(status.Description)))
	}
	s := k.streams.of(streamID)
	if (s == nil || !s.statusReceived(status)) && k.streams.refusable(streamID) {
		k.farewell.statusReceived(status)
	}
	if connect := k.connectCall; connect != nil && status.Level == "error" && strings.HasPrefix(status.Code, "NetConnection.Connect.") {
		refusal := k.session.Refusal(status)
		if !connect.call.Complete(refusal) && status.Code == message.CodeConnectRejected { // SRS refuses a connect this way
			k.rejection.Store(refusal)
		}
	}
	if told := k.observer.Status; told != nil {
		told(status)
	}
	if strings.HasPrefix(status.Code, "NetConnection.") {
		s = nil // the status is about the connection, not about the stream that receives messages with the id 0
	}
	if on := k.opts.OnStatus; on != nil {
		size := amf.Size(status.Info) // Info contains all fields of the status
		k.events.enqueue(size, status.Code, func() { on(s, status) })
	}
}
