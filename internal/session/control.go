package session

import (
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// serve handles the messages that mean the same to client and server, and passes all others to the Dispatcher. It neither blocks nor
// writes. The caller holds dispatching. An error ends the Session.
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
		switch {
		case u.Event == message.EventPingRequest:
			r.out.Reply(Event(message.EventPingResponse, u.Value))
			return nil
		case !u.Event.Known():
			r.config.Counters.UnknownEvents.Add(1)
		}
	case message.TypeWindowAckSize, message.TypeSetPeerBandwidth, message.TypeAcknowledgement:
		n, err := message.Uint32(m.Type, m.Payload())
		switch {
		case err != nil:
			return r.unreadable(m, err)
		case m.Type == message.TypeAcknowledgement: // Acknowledgements do not limit writing, since implementations wrap them differently
			r.config.Counters.Acknowledgements.Add(1)
			r.acknowledged.Store(n)
		default:
			r.window.obey(m.Type, n)
		}
		return nil
	case message.TypeSetChunkSize, message.TypeAbort: // the chunk reader has already applied them
		return nil
	}
	return r.life.up.Dispatch(m, direct)
}

// Unreadable counts a message that could not be decoded completely.
func (r *reader) Unreadable(m *Message, err error) {
	r.config.Counters.BadData.Add(1)
	r.life.log.Debug("rtmp: unreadable message", "type", m.Type, "error", err)
}

// unreadable is like Unreadable, and returns err if Config.Strict is set.
func (r *reader) unreadable(m *Message, err error) error {
	r.Unreadable(m, err)
	if r.config.Strict {
		return err
	}
	return nil
}

// EchoWindow announces the peer's window size as this end's own, unless the answer to Set Peer Bandwidth has announced it. The message is
// sent as by ReplyLater.
func (r *reader) EchoWindow() {
	w := &r.window
	w.mu.Lock()
	defer w.mu.Unlock()
	if size := w.size.Load(); size != w.announced {
		w.announced = size
		w.replies.announceWindow(size)
	}
}

// Tolerated returns how often the peer has violated the chunk protocol in ways that are accepted.
func (r *reader) Tolerated() chunk.Tolerated { return r.in.Tolerated() }

// Acknowledged returns the sequence number of the peer's last Acknowledgement, in bytes modulo 2^32.
func (r *reader) Acknowledged() uint32 { return r.acknowledged.Load() }
