package session

import "github.com/go-librtmp/rtmp/message"

// serve does what a message asks for: what both roles answer alike here, all else by the Dispatcher. It never blocks and never
// writes; it runs under dispatching. An error is fatal to the connection.
func (r *reader) serve(m *Message, direct Sink) error {
	r.config.Counters.Messages.Add(1)
	if r.config.Tap != nil {
		if served, err := r.config.Tap(m); served || err != nil {
			return err
		}
	}
	switch m.Type {
	case message.TypeUserControl:
		u, err := message.ParseUserControl(m.Payload())
		if err != nil {
			return r.unreadable(m, err)
		}
		if u.Event == message.EventPingRequest {
			r.out.Reply(Event(message.EventPingResponse, u.Value))
			return nil
		}
	case message.TypeWindowAckSize, message.TypeSetPeerBandwidth, message.TypeAcknowledgement:
		n, err := message.Uint32(m.Type, m.Payload())
		switch {
		case err != nil:
			return r.unreadable(m, err)
		case m.Type == message.TypeAcknowledgement: // limits nobody: peers disagree on how it wraps
			r.config.Counters.Acknowledgements.Add(1)
			r.acknowledged.Store(n)
		default:
			r.window.obey(m.Type, n)
		}
		return nil
	case message.TypeSetChunkSize, message.TypeAbort: // the chunk reader has acted on them
		return nil
	}
	return r.life.up.Dispatch(m, direct)
}

// Unreadable counts a message that could not be read, or not as a whole.
func (r *reader) Unreadable(m *Message, err error) {
	r.config.Counters.BadData.Add(1)
	r.life.log.Debug("rtmp: unreadable message", "type", m.Type, "error", err)
}

// unreadable is Unreadable, and the end of the connection where Config.Strict says so.
func (r *reader) unreadable(m *Message, err error) error {
	r.Unreadable(m, err)
	if r.config.Strict {
		return err
	}
	return nil
}
