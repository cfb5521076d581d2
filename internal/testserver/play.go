package testserver

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// The values of play's second argument that are not a position in milliseconds.
const (
	startAny  = -2000 // a live stream, else a recording, else wait for a live stream
	startLive = -1000 // a live stream only
)

func (s *Session) play(st *stream, cmd message.Command) error {
	s.release(st)
	if !s.mayPlay() {
		return s.status(st.id, "error", message.CodePlayFailed, "the player has not been verified")
	}
	name, _ := text(cmd.Args, 0)
	start, given := number(cmd.Args, 1)
	if !given {
		start = startAny
	}
	if start == startLive || s.server.hub.published(name) && start < 0 {
		return s.view(st, name, cmd.Args)
	}
	tags, err := s.server.recording(name)
	switch {
	case err == nil:
		return s.playRecording(st, tags, milliseconds(start), cmd.Args)
	case start < 0 || s.server.hub.published(name):
		return s.view(st, name, cmd.Args)
	}
	return s.status(st.id, "error", message.CodePlayStreamNotFound, "no recording "+name)
}

// begun are the messages with which both kinds of play begin. Play.Reset is left out when the client wants to add to a
// playlist.
func begun(id uint32, args []any) ([]chunk.Outgoing, error) {
	var messages []chunk.Outgoing
	if len(args) < 4 || args[3] != false && args[3] != 0.0 {
		messages = append(messages, session.Status(id, "status", message.CodePlayReset, "Resetting."))
	}
	start := session.Status(id, "status", message.CodePlayStart, "Started.")
	access, err := session.Data(id, "|RtmpSampleAccess", true, true)
	return append(messages, start, access), err
}

func (s *Session) playRecording(st *stream, tags []flv.Tag, start uint32, args []any) error {
	messages, err := begun(st.id, args)
	if err != nil {
		return err
	}
	messages = append([]chunk.Outgoing{session.Event(message.EventStreamIsRecorded, st.id), session.Event(message.EventStreamBegin, st.id)},
		messages...)
	if err := s.Send(messages...); err != nil {
		return err
	}
	p := &player{session: s, id: st.id, tags: s.server.cfg.Shape.arrange(tags), changed: make(chan struct{}, 1)}
	p.shaper = newShaper(s.server.cfg.Shape, s.shaped)
	s.mu.Lock()
	p.buffer = s.buffer
	s.mu.Unlock()
	if start > 0 {
		p.next = keyFrameBefore(p.tags, start)
	}
	p.limit = len(p.tags)
	if length, ok := number(args, 2); ok && length == 0 {
		p.limit = frameAfter(p.tags, p.next)
	} else if ok && length > 0 {
		p.limit = tagAt(p.tags, milliseconds(float64(start)+length))
	}
	st.player = p
	var headers []flv.Tag
	if start > 0 {
		headers = p.headers()
	}
	p.start(headers)
	return nil
}

// pause stops sending and goes on.
func (s *Session) pause(st *stream, on bool) error {
	if st.player == nil && st.viewer == nil {
		return nil
	}
	if st.player != nil {
		st.player.stop()
	} else {
		s.server.hub.pause(st.viewer, on)
	}
	if on {
		err := s.status(st.id, "status", message.CodePauseNotify, "Paused.")
		if err == nil {
			err = s.Send(session.Event(message.EventStreamEOF, st.id))
		}
		return err
	}
	err := s.status(st.id, "status", message.CodeUnpauseNotify, "Unpaused.")
	if err != nil || st.player == nil {
		return err
	}
	if !st.player.finished() {
		err = s.Send(session.Event(message.EventStreamBegin, st.id))
	}
	if err == nil {
		st.player.start(nil)
	}
	return err
}

func (s *Session) seek(st *stream, ms float64) error {
	p := st.player
	if p == nil || len(p.tags) == 0 || ms < 0 || ms > float64(p.tags[len(p.tags)-1].Timestamp) {
		return s.status(st.id, "error", message.CodeSeekInvalidTime, "there is nothing at that time")
	}
	p.stop()
	p.next = keyFrameBefore(p.tags, milliseconds(ms))
	notify := session.Status(st.id, "status", message.CodeSeekNotify, "Seeking.")
	start := session.Status(st.id, "status", message.CodePlayStart, "Started.")
	if err := s.Send(notify, session.Event(message.EventStreamBegin, st.id), start); err != nil {
		return err
	}
	p.start(p.headers())
	return nil
}

// gatherSize is how many bytes of tags leave with one write.
const gatherSize = 64 << 10

// player plays a recording on one stream. Pausing and seeking stop its goroutine and start another. The fields without a
// lock belong to the goroutine while it runs, else to the session's.
type player struct {
	session *Session
	id      uint32
	tags    []flv.Tag
	shaper  *shaper // nil: nothing special
	next    int     // the first tag that was not sent yet
	limit   int     // the first tag that is not to be sent at all

	quit chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex
	buffer  uint32        // ms, for Config.Realtime
	changed chan struct{} // buffer was
}

func (p *player) finished() bool { return p.next >= p.limit }

func (p *player) setBuffer(ms uint32) {
	p.mu.Lock()
	p.buffer = ms
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// headers are what a decoder needs before it can begin at p.next: the metadata and the sequence headers before it, with
// the time of where it begins.
func (p *player) headers() []flv.Tag {
	var headers []flv.Tag
	for _, tag := range p.tags[:p.next] {
		if flv.IsHeader(tag) {
			if p.next < len(p.tags) {
				tag.Timestamp = p.tags[p.next].Timestamp
			}
			headers = append(headers, tag)
		}
	}
	return headers
}

func (p *player) start(headers []flv.Tag) {
	quit := make(chan struct{})
	p.quit = quit
	p.done.Add(1)
	p.session.helper.Go(func() {
		defer p.done.Done()
		p.run(headers, quit)
	})
}

// stop ends the goroutine and returns when it has.
func (p *player) stop() {
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	p.done.Wait()
}

func (p *player) run(headers []flv.Tag, quit <-chan struct{}) {
	if p.send(headers) != nil {
		return
	}
	began := time.Now()
	for first := p.next; p.next < p.limit; {
		select {
		case <-quit:
			return
		default:
		}
		end, wait := p.ready(p.tags[first].Timestamp, time.Since(began))
		if end == p.next {
			if !p.wait(wait, quit) {
				return
			}
			continue
		}
		if p.send(p.tags[p.next:end]) != nil {
			return
		}
		p.next = end
	}
	if p.session.server.cfg.Shape.EndSignal == EndClose {
		p.session.hangUp()
		return
	}
	if messages, err := endMessages(p.id, p.session.server.cfg.Shape.EndSignal); err == nil {
		p.session.Send(messages...)
	}
}

// ready returns the end of the tags that may be sent now, and if there are none how long to wait. What was sent first has
// the timestamp base and left so long ago.
func (p *player) ready(base uint32, elapsed time.Duration) (end int, wait time.Duration) {
	p.mu.Lock()
	buffer := time.Duration(p.buffer) * time.Millisecond
	p.mu.Unlock()
	end, size := p.next, 0
	for ; end < p.limit && size < gatherSize; end++ {
		position := time.Duration(int32(p.tags[end].Timestamp-base)) * time.Millisecond
		wait = position - elapsed - buffer
		if p.session.server.cfg.Realtime && wait > 0 {
			return end, wait
		}
		size += len(p.tags[end].Body)
	}
	return end, 0
}

// wait reports false when the player shall end.
func (p *player) wait(d time.Duration, quit <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.changed:
	case <-quit:
		return false
	}
	return true
}

func (p *player) send(tags []flv.Tag) error {
	if p.shaper != nil {
		return p.session.append(func(dst []byte, out *chunk.Writer) ([]byte, error) { return p.shaper.append(dst, out, p.id, tags) })
	}
	messages := make([]chunk.Outgoing, len(tags))
	for i, tag := range tags {
		messages[i] = tagMessage(p.id, tag)
	}
	return p.session.Send(messages...)
}

func tagMessage(streamID uint32, tag flv.Tag) chunk.Outgoing {
	return session.Encode(message.Type(tag.Type), streamID, tag.Timestamp, tag.Body)
}

// endMessages say that a recording is over.
func endMessages(id uint32, signal EndSignal) (messages []chunk.Outgoing, err error) {
	status := func(code string) { messages = append(messages, session.Status(id, "status", code, "The end.")) }
	eof := session.Event(message.EventStreamEOF, id)
	switch signal {
	case EndAll:
		var complete chunk.Outgoing
		complete, err = session.Data(id, "onPlayStatus",
			amf.Object{{Name: "level", Value: "status"}, {Name: "code", Value: message.CodePlayComplete}})
		messages = append(messages, eof, complete)
		status(message.CodePlayStop)
	case EndStop:
		status(message.CodePlayStop)
	case EndComplete:
		status(message.CodePlayComplete)
	case EndUnpublishNotify:
		status(message.CodePlayUnpublishNotify)
	case EndFCUnsubscribe:
		var m chunk.Outgoing
		m, err = commandMessage(0, "onFCUnsubscribe", 0, nil,
			message.StatusObject("status", message.CodePlayStop, "The end."))
		messages = append(messages, m)
	case EndStreamEOF:
		messages = append(messages, eof)
	}
	return messages, err
}
