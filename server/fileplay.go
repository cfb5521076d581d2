package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/vod"
	"github.com/go-librtmp/rtmp/message"
)

// filePlaying plays a file on its own goroutine.
type filePlaying struct {
	playing
	player   *vod.Player // owned by the goroutine
	controls chan control
	quit     chan struct{}
	stop     sync.Once
	done     chan struct{} // closed when the goroutine has ended
	ended    atomic.Bool   // the file has ended or is damaged
	buffer   atomic.Int64  // size of the client's buffer, in ns
	changed  chan struct{} // signalled after buffer has changed

	noAudio, noVideo bool // owned by the goroutine
	frames           [][]byte
	bytes            atomic.Uint64 // bytes of message bodies
	since            time.Time
}

// control is a command that the client has sent for a file, with the time of
// its arrival.
type control struct {
	name string
	on   bool
	to   time.Duration
}

// defaultBuffer is the buffer that a client is assumed to have until it sends its size.
const defaultBuffer = time.Second

// file plays a file. It returns errNotFound if the file does not exist.
func (p *playing) file() error {
	r, c := p.request, p.stream.conn
	f := p.app.Files
	if f == nil {
		return errNotFound
	}
	player, err := c.server.openFile(c.ctx, f, r)
	if err != nil {
		return err
	}
	fp := &filePlaying{playing: *p, player: player, controls: make(chan control, 16), quit: make(chan struct{}), done: make(chan struct{}),
		changed: make(chan struct{}, 1), since: time.Now()}
	fp.buffer.Store(int64(defaultBuffer))
	if !p.stream.begin(fp) {
		player.Close()
		return errNotFound // impossible: the stream was free, and only this goroutine starts activities
	}
	id := p.stream.id
	p.notifyStart(session.Event(message.EventStreamIsRecorded, id), session.Event(message.EventStreamBegin, id))
	c.server.counts.files.Add(1)
	if !c.session.Own(fp.run) {
		close(fp.done)
		c.server.counts.files.Add(-1)
		player.Close()
	}
	return nil
}

// openFile opens the file that r asks for.
func (s *Server) openFile(ctx context.Context, f *Files, r *Request) (*vod.Player, error) {
	folder, err := s.folder(f, false)
	if err != nil {
		return nil, err
	}
	player, err := folder.Play(ctx, r.Path+".flv", vod.PlayOptions{Start: max(0, r.Start), Length: r.Length, Buffer: defaultBuffer,
		AsFast: f.AsFast})
	var unreadable *vod.Error
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, vod.ErrBadName):
		return nil, errNotFound
	case errors.As(err, &unreadable) && !errors.Is(err, vod.ErrInvalidTime): // for example, a link leads out of the folder
		s.log().Info("rtmp: a file can't be played", "error", err)
		return nil, errNotFound
	}
	return player, err
}

// run sends each tag when it is due, and serves the client's commands until the stream is closed. After the end of the file it continues,
// since the client may seek.
func (fp *filePlaying) run() {
	c := fp.stream.conn
	defer close(fp.done)
	defer fp.player.Close()
	defer c.server.counts.files.Add(-1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait := vod.Forever
		if !fp.ended.Load() {
			var err error
			if wait, err = fp.player.Fill(); err != nil {
				fp.notifyEnd(err)
				continue
			}
			if wait == 0 {
				if fp.sendPiece() != nil {
					return
				}
			}
		}
		timer.Reset(min(wait, time.Hour))
		select {
		case <-fp.quit:
			return
		case <-c.session.Done():
			return
		case k := <-fp.controls:
			fp.control(k)
		case <-fp.changed:
			fp.player.SetBuffer(time.Duration(fp.buffer.Load()))
		case <-timer.C:
		}
	}
}

// sendPiece sends the piece of the file that Player.Fill has loaded, with one system call if possible.
func (fp *filePlaying) sendPiece() error {
	fp.frames = fp.frames[:0]
	var tag vod.Tag
	for fp.player.Next(&tag) {
		if len(tag.Body) == 0 || fp.noAudio && tag.Type == flv.TagAudio || fp.noVideo && tag.Type == flv.TagVideo {
			continue
		}
		if !fp.app.deliver(fp.request, tag.Tag) {
			continue
		}
		fp.bytes.Add(uint64(len(tag.Body)))
		fp.frames = appendChunks(fp.frames, &tag, fp.stream.id, fp.stream.conn.server.chunkSize())
	}
	if len(fp.frames) == 0 {
		return nil
	}
	err := fp.stream.conn.session.Writev(fp.frames)
	clear(fp.frames)
	return err
}

// appendChunks appends the chunks of a tag to dst. The first chunk has a full header. If the memory before the tag's body has room for this
// header, it is written there, so that most tags need only one slice. The tag must not be used afterwards.
func appendChunks(dst [][]byte, tag *vod.Tag, streamID uint32, chunkSize int) [][]byte {
	body := tag.Body
	h := session.PushedHeader(message.Type(tag.Type), streamID, tag.Timestamp, len(body))
	var room [chunk.MaxHeaderSize]byte
	header := h.Append(room[:0])
	n := min(len(body), chunkSize)
	if at := vod.FrameRoom - len(header); at >= 0 {
		copy(tag.Frame[at:], header)
		dst = append(dst, tag.Frame[at:vod.FrameRoom+n])
	} else { // with an extended timestamp
		dst = append(dst, bytes.Clone(header), body[:n])
	}
	if body = body[n:]; len(body) == 0 {
		return dst
	}
	continuation := h.AppendContinuation(nil)
	for ; len(body) > 0; body = body[n:] {
		n = min(len(body), chunkSize)
		dst = append(dst, continuation, body[:n])
	}
	return dst
}

// notifyEnd notifies the client of the end of the file. err is the reason if the file has ended early. A file that ends within a tag, as
// after a crash of its recorder, ends like any other.
func (fp *filePlaying) notifyEnd(err error) {
	fp.ended.Store(true)
	c := fp.stream.conn
	var damage *flv.Error
	damaged := errors.As(err, &damage)
	switch {
	case damaged:
		c.log.Info("rtmp: a file is damaged", "error", err)
	case err != io.EOF:
		c.log.Warn("rtmp: a file can't be played", "error", err)
	}
	if err != io.EOF && !(damaged && errors.Is(err, io.ErrUnexpectedEOF)) {
		fp.stream.status("error", message.CodePlayFailed, "the file can't be read")
		return
	}
	sendEnd(fp.stream)
}

// sendEnd notifies the client of the end of the stream.
func sendEnd(st *netStream) {
	complete, _ := session.Data(st.id, "onPlayStatus", amf.Object{{Name: "level", Value: "status"}, {Name: "code", Value: message.CodePlayComplete}})
	st.conn.session.SendReply(session.Event(message.EventStreamEOF, st.id), complete, session.Status(st.id, "status", message.CodePlayStop, "The end."))
}

// control serves a command of the client.
func (fp *filePlaying) control(k control) {
	st, c := fp.stream, fp.stream.conn
	switch k.name {
	case "seek":
		if err := fp.player.Seek(c.ctx, k.to); err != nil {
			st.status("error", message.CodeSeekInvalidTime, "the time is outside the file")
			return
		}
		fp.ended.Store(false)
		c.session.SendReply(session.Status(st.id, "status", message.CodeSeekNotify, "Seeking."), session.Event(message.EventStreamBegin, st.id),
			session.Status(st.id, "status", message.CodePlayStart, "Started."))
	case "pause", "pauseRaw":
		if k.on {
			fp.player.Pause()
		} else {
			fp.player.Resume()
		}
		pauseNotified(st, k.on)
	case "receiveAudio":
		fp.noAudio = !k.on
		receiveNotified(st, k.on)
	case "receiveVideo":
		fp.noVideo = !k.on
		receiveNotified(st, k.on)
	}
}

// serve passes a command to the goroutine that plays the file.
func (fp *filePlaying) serve(cmd message.Command) {
	k := control{name: cmd.Name, on: boolean(cmd.Args, 0, true)}
	if cmd.Name == "seek" {
		ms, _ := number(cmd.Args, 0)
		if k.to = time.Duration(milliseconds(ms)) * time.Millisecond; ms < 0 {
			k.to = -1
		}
	}
	select {
	case fp.controls <- k:
	case <-fp.done:
	}
}

func (fp *filePlaying) setBuffer(d time.Duration) {
	fp.buffer.Store(int64(d))
	session.Signal(fp.changed)
}

func (fp *filePlaying) over() bool { return fp.ended.Load() }
func (fp *filePlaying) release()   { fp.stop.Do(func() { close(fp.quit) }) }

func (fp *filePlaying) finish() {
	<-fp.done
	fp.app.stop(fp.request, StreamStats{Path: fp.request.Path, Since: fp.since, BytesOut: fp.bytes.Load()})
}
