package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/vod"
	"github.com/go-librtmp/rtmp/message"
)

// httpBuffer is how far ahead of the playing time an HTTP viewer receives a file.
const httpBuffer = 10 * time.Second

// FLVHandler returns a handler for GET /app/name.flv. It sends a live stream or a file as one FLV file (HTTP-FLV). If the request asks for
// an upgrade to WebSocket, it sends messages that contain whole tags. The parameter start is a position in a file, in seconds. Viewers
// count as connections and as players. If a file can't be sent to its end, or a live stream ends because its publisher was lost or the Server
// is closed, the response is cut off, so that the client notices: it lacks its last chunk, or the connection is reset.
//
// A publisher whose connection ends was lost, unless it has ended its stream with FCUnpublish, closeStream or deleteStream, or its last
// media is the end of a sequence.
//
// App.Play decides who may view; App.Connect is not called. A Refusal is answered with 403, or with 302 if it has RedirectTo. A stream that
// does not exist is answered with 404, after Live.Await. Apps with a Token, a Player or a Handler refuse HTTP viewers. The handler sets no
// CORS headers. It refuses WebSocket requests from pages of other hosts; to accept them, check the Origin header and remove it.
//
// If the connection of a live viewer supports http.Hijacker, the handler takes it over. Such connections are ended by Shutdown and Close
// of the Server, not by those of the http.Server.
func (s *Server) FLVHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		transport := "http-flv"
		if isUpgrade(r) {
			transport = "ws-flv"
		}
		s.serveViewer(w, r, ".flv", transport, nil)
	})
}

// viewer is a player over HTTP.
type viewer struct {
	server   *Server
	slot     *slot
	app      application
	request  *Request
	view     ViewFunc        // nil: FLV
	ctx      context.Context // done when the request ends or cancel is called
	cancel   context.CancelFunc
	counters session.Counters // of what is sent
	out      flvOut
	status   int // of the response, when out is set
	since    time.Time
	missed   func() live.StreamStats // nil if the viewer plays a file
}

func (s *Server) serveViewer(w http.ResponseWriter, r *http.Request, suffix, transport string, view ViewFunc) {
	s.init()
	control := http.NewResponseController(w)
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // otherwise the write deadline for the end of this response would also apply to the next one
	}
	control.SetWriteDeadline(time.Time{}) // no deadline, since there may be nothing to write for a long time
	cut := false                          // abort the response, so that the client does not consider it complete
	defer func() {                        // the deadline for the end of the response, which net/http sends later
		if cut && r.ProtoMajor == 1 { // end the connection without the last chunk, and without TLS's close_notify
			if nc, _, err := control.Hijack(); err == nil {
				if !r.ProtoAtLeast(1, 1) { // there are no chunks, so the response ends with the connection
					setLinger(nc, 0)
				}
				closeSilently(nc)
				return
			}
		}
		due := time.Now().Add(s.writeTimeout())
		if cut {
			due = time.Unix(1, 0)
		}
		if err := control.SetWriteDeadline(due); cut && errors.Is(err, errors.ErrUnsupported) {
			panic(http.ErrAbortHandler)
		}
	}()
	name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/"), suffix)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET only", http.StatusMethodNotAllowed)
		return
	case r.ContentLength != 0: // until the body has arrived, net/http would not notice that the client has left
		control.SetReadDeadline(time.Now()) // otherwise net/http would wait for the body before it sends the answer
		http.Error(w, "the request must have no body", http.StatusBadRequest)
		return
	case !ok || !validPath(name):
		http.NotFound(w, r)
		return
	}
	remote := tunnelAddr(s.client(r))
	p, err := s.admit(remote, false)
	if err != nil {
		http.Error(w, unavailable(err).Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.leave(p)
	v := &viewer{server: s, slot: p, app: application{s.application(name), s.hookPanicked}, view: view, since: time.Now()}
	v.ctx, v.cancel = context.WithCancel(r.Context())
	defer v.cancel()
	if !join(s, s.viewers, v) {
		http.Error(w, unavailable(ErrServerClosed).Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.removeViewer(v)
	v.request = &Request{HTTP: r, RemoteAddr: remote, Path: name, Name: path.Base(name), Query: parseQuery(r.URL.RawQuery), Start: StartAny,
		Length: -1, Transport: transport}
	cut = !v.serve(w, r)
}

func isUpgrade(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") }

func (s *Server) removeViewer(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.viewers, v)
	s.counts.bytesOut.Add(v.counters.BytesWritten.Load())
}

// serve serves a viewer until the viewer leaves or the stream ends. whole is false if the response has begun, but the stream has not ended.
func (v *viewer) serve(w http.ResponseWriter, r *http.Request) (whole bool) {
	if v.app.App == nil || v.app.Handler != nil {
		http.NotFound(w, r)
		return true
	}
	if v.app.Token != "" || v.app.Player != nil {
		v.server.counts.refused.Add(1)
		http.Error(w, "not available over HTTP", http.StatusForbidden)
		return true
	}
	if start, err := strconv.ParseFloat(v.request.Query.Get("start"), 64); err == nil && start >= 0 && start < 1e9 {
		v.request.Start = time.Duration(start * float64(time.Second))
	}
	var err error
	inTime := v.server.outside(v.slot, func() { err = v.app.play(v.ctx, v.request) })
	if err == nil {
		defer v.stopped()
	}
	if err == nil && !inTime {
		err = ErrServerClosed
	}
	if err != nil {
		v.refuse(w, r, err)
		return true
	}
	err = errBadPath
	if validPath(v.request.Path) {
		err = v.play(w, r)
	}
	switch ended := err == nil || errors.Is(err, io.EOF); {
	case v.out != nil:
		v.out.end(ended)
		return ended || v.status != http.StatusOK || r.Method != http.MethodGet
	case err != nil:
		v.refuse(w, r, playError(err))
	}
	return true
}

func (s *Server) hookPanicked(err *message.PanicError) {
	s.log().Error("rtmp: a hook panicked", "panic", err.Value, "stack", string(err.Stack))
}

func (v *viewer) stopped() {
	st := StreamStats{Path: v.request.Path, Since: v.since, BytesOut: v.counters.BytesWritten.Load()}
	if v.missed != nil {
		st = StreamStats(v.missed())
	}
	if v.slot.unheld {
		v.app.stop(v.request, st)
		return
	}
	v.server.outside(v.slot, func() { v.app.stop(v.request, st) })
}

// refuse answers with the HTTP status that fits err.
func (v *viewer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil { // the viewer has left or was disconnected, so this is not a refusal
		http.Error(w, "disconnected", http.StatusServiceUnavailable)
		return
	}
	v.server.counts.refused.Add(1)
	refused := refusalOf(err, message.CodePlayFailed)
	var known *Refusal
	switch {
	case refused.RedirectTo != "":
		http.Redirect(w, r, refused.RedirectTo, http.StatusFound)
	case refused.Code == message.CodePlayStreamNotFound:
		http.NotFound(w, r)
	case errors.As(err, &known):
		http.Error(w, refused.Description, http.StatusForbidden)
	default:
		v.server.log().Info("rtmp: refused", "remote", v.request.RemoteAddr, "error", err)
		http.Error(w, "refused", http.StatusForbidden)
	}
}

// play opens the stream or file and plays it. If play fails before it has set v.out, the caller must answer the request.
func (v *viewer) play(w http.ResponseWriter, r *http.Request) error {
	return v.server.liveOrFile(v.request, func() error { return v.live(w, r) }, func() error { return v.file(w, r) })
}

func (v *viewer) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(v.ctx, v.server.writeTimeout())
	defer cancel()
	if err := v.out.write(ctx, b); err != nil {
		return err
	}
	v.counters.BytesWritten.Add(uint64(len(b)))
	return nil
}

// file plays a file.
func (v *viewer) file(w http.ResponseWriter, r *http.Request) error {
	f := v.app.Files
	if f == nil {
		return errNotFound
	}
	player, err := v.server.openFile(v.ctx, f, v.request)
	if err != nil {
		return err
	}
	defer player.Close()
	player.SetBuffer(httpBuffer)
	v.server.counts.files.Add(1)
	defer v.server.counts.files.Add(-1)
	src := &fileSource{viewer: v, player: player, timer: time.NewTimer(0)}
	defer src.timer.Stop()
	if v.view != nil {
		return v.serveView(w, r, src)
	}
	if err := v.begin(w, r); err != nil {
		return err
	}
	out := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for {
		if err := src.fill(v.ctx); err != nil {
			return err
		}
		var tag vod.Tag
		for src.take(&tag) {
			out = flv.AppendTag(out, tag.Tag)
		}
		if err := v.write(out); err != nil {
			return err
		}
		out = out[:0]
	}
}

// begin sends the response's headers.
func (v *viewer) begin(w http.ResponseWriter, r *http.Request) error {
	if v.request.Transport == "ws-flv" {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			v.out = answered{}
			return err
		}
		v.out = &socketOut{conn: conn, ctx: conn.CloseRead(v.ctx)}
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", "video/x-flv")
	h.Set("Cache-Control", "no-store")
	if v.missed != nil && canHijack(w) { // see push
		h.Set("Transfer-Encoding", "identity") // no chunked encoding, which would take several system calls for each message
	}
	w.WriteHeader(http.StatusOK)
	v.out, v.status = newResponseOut(w, r), http.StatusOK
	if r.Method == http.MethodHead {
		return net.ErrClosed
	}
	return nil
}
