package server

import (
	"errors"
	"math"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/vod"
	"github.com/go-librtmp/rtmp/message"
)

// play serves a play command. Its arguments are the name, the start and length in milliseconds, and reset.
func (k *commands) play(id uint32, cmd message.Command) {
	st := k.stream(id)
	if st == nil {
		k.status(id, "error", message.CodeFailed, "no such stream")
		return
	}
	if a := st.activity(); a != nil && !a.over() || st.ingest() != nil {
		st.status("error", message.CodeFailed, "the stream is in use")
		return
	}
	app := k.application()
	r := k.request(id, text(cmd.Args, 0))
	r.Start, r.Length = playStart(cmd.Args), playLength(cmd.Args)
	p := &playing{stream: st, app: app, request: r, reset: boolean(cmd.Args, 3, true)}
	if err := k.mayStart(app, r); err != nil {
		st.refuse(err, message.CodePlayFailed)
		return
	}
	if err := app.play(k.ctx, r); err != nil {
		st.refuse(err, message.CodePlayFailed)
		return
	}
	err := errBadPath
	if validPath(r.Path) {
		err = p.start()
	}
	if err != nil {
		st.refuse(playError(err), message.CodePlayFailed)
		app.stop(r, StreamStats{Path: r.Path})
	}
}

// mayStart returns an error if the client may not play. It is called before
// App.Play.
func (k *commands) mayStart(app application, r *Request) error {
	if !k.mayPlay(app) {
		return Deny("the player has not been verified")
	}
	if !validPath(r.Path) {
		return playError(errBadPath)
	}
	if k.foreign(r.Path) {
		return errForeign
	}
	return nil
}

// playError adds the status code to an error of a file or of the hub.
func playError(err error) error {
	switch {
	case errors.Is(err, errNotFound), errors.Is(err, vod.ErrBadName), errors.Is(err, errBadPath):
		return &Refusal{Code: message.CodePlayStreamNotFound, Description: "no such stream"}
	case errors.Is(err, vod.ErrInvalidTime):
		// Not Seek.InvalidTime, for which librtmp would wait on.
		return &Refusal{Code: message.CodePlayFailed, Description: "the start is after the end of the file"}
	}
	return err
}

// playStart returns play's second argument. A value that is not a time counts as missing.
func playStart(args []any) time.Duration {
	ms, ok := number(args, 1)
	switch {
	case !ok || math.IsInf(ms, 0) || ms < -2000:
		return StartAny
	case ms == -1000 || ms == -1: // these two are in milliseconds, as clients send them; the specification says seconds
		return StartLive
	case ms < 0:
		return StartAny
	}
	return time.Duration(milliseconds(ms)) * time.Millisecond
}

// playLength returns play's third argument. A negative length means to play everything.
func playLength(args []any) time.Duration {
	ms, ok := number(args, 2)
	if !ok || ms < 0 || math.IsInf(ms, 0) {
		return -1
	}
	return time.Duration(milliseconds(ms)) * time.Millisecond
}

// playing is a play command. Only start finds out whether it plays a live stream or a file.
type playing struct {
	stream  *netStream
	app     application
	request *Request
	reset   bool
}

// start finds the stream or file and begins to play it.
func (p *playing) start() error {
	r, c := p.request, p.stream.conn
	if p.app.Handler != nil {
		return p.handle()
	}
	if r.Length == 0 {
		p.notifyStart()
		p.stream.status("status", message.CodePlayStop, "The end.")
		p.app.stop(r, StreamStats{Path: r.Path})
		return nil
	}
	return c.server.liveOrFile(r, p.live, p.file)
}

// liveOrFile calls the function that plays what r asks for: a live stream or a file, or first the file and then the live stream.
func (s *Server) liveOrFile(r *Request, live, file func() error) error {
	if r.Start == StartLive || r.Start == StartAny && s.hub.Published(r.Path) {
		return live()
	}
	err := file()
	if errors.Is(err, errNotFound) && (r.Start == StartAny || s.hub.Published(r.Path)) {
		return live()
	}
	return err
}

// notifyStart sends the messages in before, and then those that start the playback. If the client adds to a playlist, Play.Reset is
// omitted.
func (p *playing) notifyStart(before ...chunk.Outgoing) error {
	id := p.stream.id
	messages := before
	if p.reset {
		messages = append(messages, session.Status(id, "status", message.CodePlayReset, "Resetting."))
	}
	messages = append(messages, session.Status(id, "status", message.CodePlayStart, "Started."))
	access, err := session.Data(id, "|RtmpSampleAccess", true, true)
	if err != nil {
		return err
	}
	return p.stream.conn.session.SendReply(append(messages, access)...)
}

func (p *playing) asked() *Request { return p.request }

var errNotFound = errors.New("rtmp: no such stream")

// sink makes a session a live.Sink.
type sink struct{ session *session.Session }

func (s sink) TryWrite(b [][]byte) (ok, ready bool) { return s.session.TryWritev(b) }
func (s sink) Write(b [][]byte) error               { return s.session.Writev(b) }
