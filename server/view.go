package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/vod"
	"github.com/go-librtmp/rtmp/message"
)

// ViewFunc writes the response for an HTTP viewer. It reads messages from v and writes them to w in its own format. Each write is sent at
// once, within WriteTimeout. The response is complete when the function returns. If it returns an error before it has written anything, the
// viewer gets the response that [Server.FLVHandler] sends for the error. If it returns an error after it has written something, the
// response is cut off, so that the viewer notices.
type ViewFunc func(w http.ResponseWriter, v *View) error

// ViewHandler is like FLVHandler, but serves GET /app/name followed by suffix, in the format of view. transport is the Request.Transport of
// such viewers.
func (s *Server) ViewHandler(suffix, transport string, view ViewFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serveViewer(w, r, suffix, transport, view) })
}

// View is a live stream or a file for one viewer. It may be used by one goroutine at a time.
type View struct {
	Request *Request
	Live    bool // true for a live stream, false for a file

	ctx context.Context
	src tagSource
}

// ReadPacket reads the next audio, video or data message when it is due, and reuses the memory of p.Body. A viewer that is too slow for a
// live stream misses messages, and continues at a key frame. The error is io.EOF at the end, or wraps io.ErrUnexpectedEOF if the publisher
// was lost before it has ended the stream.
func (v *View) ReadPacket(p *message.Packet) error {
	tag, err := v.src.next(v.ctx)
	if err != nil {
		return hubError(err, "")
	}
	*p = message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Absolute: true, Body: append(p.Body[:0], tag.Body...)}
	return nil
}

// Relay calls next for one piece after another, and writes the pieces to w until next or w returns an error. If next returns io.EOF, Relay
// returns nil. With each piece, next also returns how many pieces before it were skipped because the viewer is too slow. The ctx that next
// receives is done when the viewer leaves. Use Relay to send the same converted form of a live stream to many viewers. v itself then reads
// no packets, but still counts as a player.
func (v *View) Relay(w io.Writer, next func(ctx context.Context) (piece []byte, missed uint64, err error)) error {
	sub, ok := v.src.(*liveSource)
	if ok {
		(*live.Subscriber)(sub).Rest()
	}
	for {
		piece, missed, err := next(v.ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := w.Write(piece)
		if ok {
			(*live.Subscriber)(sub).Count(n, missed)
		}
		if err != nil {
			return err
		}
	}
}

func (v *viewer) serveView(w http.ResponseWriter, r *http.Request, src tagSource) error {
	_, isLive := src.(*liveSource)
	return v.view(&viewWriter{ResponseWriter: w, v: v, head: r.Method == http.MethodHead},
		&View{Request: v.request, Live: isLive, ctx: v.ctx, src: src})
}

// tagSource is the stream or file that a viewer plays.
type tagSource interface {
	// next waits for the next tag, which is valid until the next call.
	next(ctx context.Context) (flv.Tag, error)
}

type liveSource live.Subscriber

func (s *liveSource) next(ctx context.Context) (flv.Tag, error) {
	m, err := (*live.Subscriber)(s).Next(ctx)
	if err != nil {
		return flv.Tag{}, err
	}
	return m.Tag(), nil
}

type fileSource struct {
	viewer *viewer
	player *vod.Player
	timer  *time.Timer
}

// fill waits until a piece of the file is due.
func (s *fileSource) fill(ctx context.Context) error {
	for {
		wait, err := s.player.Fill()
		if err != nil || wait == 0 {
			return err
		}
		s.timer.Reset(min(wait, time.Hour))
		select {
		case <-s.timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take sets tag to the next tag of the piece that the viewer wants. It returns false if there are no more.
func (s *fileSource) take(tag *vod.Tag) bool {
	for s.player.Next(tag) {
		if len(tag.Body) > 0 && s.viewer.app.deliver(s.viewer.request, tag.Tag) {
			return true
		}
	}
	return false
}

func (s *fileSource) next(ctx context.Context) (flv.Tag, error) {
	var tag vod.Tag
	for !s.take(&tag) {
		if err := s.fill(ctx); err != nil {
			return flv.Tag{}, err
		}
	}
	return tag.Tag, nil
}

// viewWriter is a viewer's response.
type viewWriter struct {
	http.ResponseWriter
	v    *viewer
	head bool
}

func (w *viewWriter) WriteHeader(status int) {
	if w.v.out == nil {
		w.v.out, w.v.status = newResponseOut(w.ResponseWriter, w.v.request.HTTP), status
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *viewWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.head {
		return 0, net.ErrClosed
	}
	if err := w.v.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}
