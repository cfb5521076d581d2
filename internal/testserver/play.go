package testserver

import (
	"math"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// gatherSize is how many bytes of tags leave with one write.
const gatherSize = 64 << 10

// player plays a recording on one stream. Pausing and seeking stop its goroutine and start another.
type player struct {
	session  *Session
	id       uint32
	tags     []flv.Tag
	end      uint32 // timestamp to stop before, ms
	next     int    // owned by the goroutine while it runs
	finished bool   // likewise

	quit chan struct{}
	done sync.WaitGroup
}

func (s *Session) streamCommand(st *stream, cmd message.Command) error {
	switch cmd.Name {
	case "play":
		return s.play(st, cmd)
	case "publish":
		return s.publish(st, cmd)
	case "pause":
		on, _ := any(nil), false
		if len(cmd.Args) > 0 {
			on = cmd.Args[0]
		}
		return s.pause(st, on == true)
	case "seek":
		ms, _ := number(cmd.Args, 0)
		return s.seek(st, ms)
	}
	return nil // receiveAudio and receiveVideo: everything is sent
}

func (s *Session) play(st *stream, cmd message.Command) error {
	s.release(st)
	st.player, st.viewer, st.live = nil, nil, nil
	name, _ := text(cmd.Args, 0)
	start, given := number(cmd.Args, 1)
	if !given {
		start = -2000
	}
	if start != -1000 && s.server.liveStream(name) == nil {
		tags, err := s.server.recording(name)
		for _, kind := range []string{"mp4:", "mp3:", "flv:"} {
			if err != nil && strings.HasPrefix(name, kind) {
				tags, err = s.server.recording(name[len(kind):])
			}
		}
		if err == nil {
			return s.playRecording(st, tags, max(0, start), cmd.Args)
		}
		if start >= 0 {
			return s.status(st.id, "error", "NetStream.Play.StreamNotFound", "no recording "+name)
		}
	}
	return s.view(st, name)
}

func (s *Session) playRecording(st *stream, tags []flv.Tag, start float64, args []any) error {
	p := &player{session: s, id: st.id, tags: tags, end: math.MaxUint32, quit: make(chan struct{})}
	if length, ok := number(args, 2); ok && length >= 0 {
		p.end = uint32(min(start+length, math.MaxUint32))
	}
	st.player = p
	access, err := message.AppendData(nil, message.TypeDataAMF0, "|RtmpSampleAccess", true, true)
	if err != nil {
		return err
	}
	reset, err := commandMessage(st.id, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Reset", "Resetting."))
	if err != nil {
		return err
	}
	begin, err := commandMessage(st.id, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Start", "Started."))
	if err != nil {
		return err
	}
	err = s.Send(event(message.EventStreamIsRecorded, st.id), event(message.EventStreamBegin, st.id), reset, begin,
		chunk.Outgoing{Type: uint8(message.TypeDataAMF0), ChunkStreamID: 4, StreamID: st.id, Body: access})
	if err != nil {
		return err
	}
	var headers []chunk.Outgoing
	p.next = 0
	if start > 0 {
		p.next = keyFrameBefore(tags, uint32(min(start, math.MaxUint32)))
		headers = p.headers()
	}
	p.start(headers)
	return nil
}

// headers are what a decoder needs before it can begin at p.next: the metadata and the sequence headers before it, with
// the time of where it begins.
func (p *player) headers() []chunk.Outgoing {
	var headers []chunk.Outgoing
	for _, tag := range p.tags[:p.next] {
		if tag.Type == flv.TagScript || isSequenceHeader(tag) {
			if p.next < len(p.tags) {
				tag.Timestamp = p.tags[p.next].Timestamp
			}
			headers = append(headers, tagMessage(p.id, tag))
		}
	}
	return headers
}

func tagMessage(streamID uint32, tag flv.Tag) chunk.Outgoing {
	o := chunk.Outgoing{Type: uint8(tag.Type), ChunkStreamID: 4, StreamID: streamID, Timestamp: tag.Timestamp,
		Format: chunk.Format3, Body: tag.Body}
	if tag.Type == flv.TagVideo {
		o.ChunkStreamID = 6
	}
	return o
}

func (p *player) start(first []chunk.Outgoing) {
	p.quit = make(chan struct{})
	quit := p.quit
	run := func() { p.run(first, quit) }
	p.done.Add(1)
	p.session.helper.Go(func() {
		defer p.done.Done()
		run()
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

func (p *player) run(batch []chunk.Outgoing, quit chan struct{}) {
	size := 0
	for ; p.next < len(p.tags) && p.tags[p.next].Timestamp < p.end; p.next++ {
		select {
		case <-quit:
			return
		default:
		}
		tag := p.tags[p.next]
		batch = append(batch, tagMessage(p.id, tag))
		if size += len(tag.Body); size >= gatherSize {
			if p.session.Send(batch...) != nil {
				return
			}
			batch, size = batch[:0], 0
		}
	}
	p.finished = true
	if p.session.Send(batch...) == nil {
		p.session.sendEnd(p.id)
	}
}

// sendEnd says in all the usual ways that a recording is over.
func (s *Session) sendEnd(id uint32) error {
	complete, err := message.AppendData(nil, message.TypeDataAMF0, "onPlayStatus",
		amf.Object{{Name: "level", Value: "status"}, {Name: "code", Value: "NetStream.Play.Complete"}})
	if err != nil {
		return err
	}
	stop, err := commandMessage(id, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Stop", "Stopped."))
	if err != nil {
		return err
	}
	return s.Send(chunk.Outgoing{Type: uint8(message.TypeDataAMF0), ChunkStreamID: 4, StreamID: id, Body: complete},
		event(message.EventStreamEOF, id), stop)
}

func (s *Session) pause(st *stream, on bool) error {
	if st.player == nil {
		return nil
	}
	st.player.stop()
	if on {
		if err := s.status(st.id, "status", "NetStream.Pause.Notify", "Paused."); err != nil {
			return err
		}
		return s.Send(event(message.EventStreamEOF, st.id))
	}
	err := s.status(st.id, "status", "NetStream.Unpause.Notify", "Unpaused.")
	if err == nil && !st.player.finished {
		err = s.Send(event(message.EventStreamBegin, st.id))
	}
	if err == nil {
		st.player.start(nil)
	}
	return err
}

func (s *Session) seek(st *stream, ms float64) error {
	p := st.player
	if p == nil || len(p.tags) == 0 || !(ms >= 0) || ms > float64(p.tags[len(p.tags)-1].Timestamp) {
		return s.status(st.id, "error", "NetStream.Seek.InvalidTime", "there is nothing at that time")
	}
	p.stop()
	p.next, p.finished = keyFrameBefore(p.tags, uint32(ms)), false
	err := s.status(st.id, "status", "NetStream.Seek.Notify", "Seeking.")
	if err == nil {
		err = s.Send(event(message.EventStreamBegin, st.id))
	}
	if err == nil {
		err = s.status(st.id, "status", "NetStream.Play.Start", "Started.")
	}
	if err == nil {
		p.start(p.headers())
	}
	return err
}
