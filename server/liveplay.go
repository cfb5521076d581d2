package server

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// livePlaying plays a live stream.
type livePlaying struct {
	playing
	player   *live.Player
	waited   bool          // the stream had no publisher when the player joined
	notified chan struct{} // closed after the client was notified that play begins
	ended    atomic.Bool

	started, complete bool   // for Request.Length; used by deliver, on the hub's goroutine
	first             uint32 // timestamp of the first message in ms

	audio, video bool // whether the client wants audio and video; used by serve, on the hooks' goroutine
}

// live plays a live stream, which may not have a publisher yet.
func (p *playing) live() error {
	c, app := p.stream.conn, p.app
	l := &livePlaying{playing: *p, notified: make(chan struct{}), audio: true, video: true, waited: !c.server.hub.Published(p.request.Path)}
	o := live.PlayOptions{StreamID: p.stream.id, Await: app.Live.Await, NoCache: app.Live.NoCache, Begun: l.begins, Ended: l.ends}
	if app.Deliver != nil || p.request.Length > 0 {
		o.Deliver = l.deliver
	}
	var err error
	if l.player, err = c.server.hub.Play(p.request.Path, sink{c.session}, o); err != nil {
		if errors.Is(err, live.ErrNotFound) {
			return errNotFound
		}
		return err
	}
	c.log.Debug("rtmp: playing", "stream", quote.Attr(p.request.Path))
	if !p.stream.begin(l) {
		close(l.notified)
		l.player.Close()
		return errNotFound // impossible: the stream was free, and only this goroutine starts activities
	}
	p.notifyStart()
	close(l.notified)
	return nil
}

// begins notifies the client that the stream begins. The hub calls it before the first message.
func (l *livePlaying) begins() {
	select {
	case <-l.notified: // the client must receive Play.Start before the messages
	case <-l.stream.conn.ctx.Done():
		return
	}
	id := l.stream.id
	messages := append(l.notify(), session.Event(message.EventStreamBegin, id))
	l.stream.conn.session.SendReply(messages...)
}

// ends is called by the hub after the last message.
func (l *livePlaying) ends(err error) {
	id, c := l.stream.id, l.stream.conn
	l.ended.Store(true)
	select {
	case <-l.notified:
	case <-c.ctx.Done():
	}
	eof := session.Event(message.EventStreamEOF, id)
	switch {
	case err == nil, errors.Is(err, live.ErrCut): // RTMP has no status for a stream that was cut off
		c.session.SendReply(eof, session.Status(id, "status", message.CodePlayUnpublishNotify, l.request.Name+" is over."))
	case errors.Is(err, live.ErrNotFound):
		l.stream.status("error", message.CodePlayStreamNotFound, "the stream has no publisher")
	case errors.Is(err, live.ErrClosed):
		c.session.SendReply(eof, session.Status(id, "status", message.CodePlayStop, "The server is shutting down."))
	}
	l.stream.finishLater(l)
}

// deliver applies Request.Length and App.Deliver to a message. The hub calls it for one message at a time.
func (l *livePlaying) deliver(m *live.Message) bool {
	tag := m.Tag()
	if l.request.Length > 0 && tag.Type != flv.TagScript && !m.Header() && !l.within(tag.Timestamp) {
		return false
	}
	return l.app.deliver(l.request, tag)
}

// within reports whether a timestamp is within Request.Length. After the first timestamp that is not, the stream ends for the player.
func (l *livePlaying) within(timestamp uint32) bool {
	if l.complete {
		return false
	}
	if !l.started {
		l.started, l.first = true, timestamp
	}
	if time.Duration(int32(timestamp-l.first))*time.Millisecond < l.request.Length {
		return true
	}
	l.complete = true
	l.stream.conn.later(0, func() {
		if l.ended.Swap(true) {
			return
		}
		l.player.Close()
		sendEnd(l.stream)
		l.stream.finish(l)
	})
	return false
}

func (l *livePlaying) over() bool              { return l.ended.Load() }
func (l *livePlaying) release()                { l.player.Leave() }
func (l *livePlaying) setBuffer(time.Duration) {}

func (l *livePlaying) finish() {
	l.player.Close()
	l.app.stop(l.request, StreamStats(l.player.Stats()))
}

// serve serves pause, receiveAudio and receiveVideo. A live stream does not support seek.
func (l *livePlaying) serve(cmd message.Command) {
	st := l.stream
	switch on := boolean(cmd.Args, 0, true); cmd.Name {
	case "seek":
		st.status("error", message.CodeSeekFailed, "the stream is live")
	case "pause", "pauseRaw":
		l.player.Pause(on)
		pauseNotified(st, on)
	case "receiveAudio", "receiveVideo":
		if cmd.Name == "receiveAudio" {
			l.audio = on
		} else {
			l.video = on
		}
		l.player.Receive(l.audio, l.video)
		receiveNotified(st, on)
	}
}

// pauseNotified notifies the client that the stream is paused, or has resumed.
func pauseNotified(st *netStream, on bool) {
	sess := st.conn.session
	if on {
		sess.SendReply(session.Status(st.id, "status", message.CodePauseNotify, "Paused."), session.Event(message.EventStreamEOF, st.id))
		return
	}
	sess.SendReply(session.Status(st.id, "status", message.CodeUnpauseNotify, "Unpaused."), session.Event(message.EventStreamBegin, st.id))
}

// receiveNotified answers receiveAudio and receiveVideo (RTMP 1.0 sections 7.2.2.4 and 7.2.2.5). A command whose flag is false is not
// answered.
func receiveNotified(st *netStream, on bool) {
	if on {
		st.conn.session.SendReply(session.Status(st.id, "status", message.CodeSeekNotify, "Seeking."),
			session.Status(st.id, "status", message.CodePlayStart, "Started."))
	}
}

// notify returns the messages that notify a client of its stream's publisher. If there was a publisher when the client joined, there are
// none.
func (l *livePlaying) notify() (messages []chunk.Outgoing) {
	if l.waited {
		messages = append(messages, session.Status(l.stream.id, "status", message.CodePlayPublishNotify, l.request.Name+" begins."))
	}
	return messages
}
