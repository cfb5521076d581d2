package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/session"
)

// live plays a live stream.
func (v *viewer) live(w http.ResponseWriter, r *http.Request) error {
	o := live.PlayOptions{Await: v.app.Live.Await, NoCache: v.app.Live.NoCache}
	if v.app.Deliver != nil {
		o.Deliver = func(m *live.Message) bool { return v.app.deliver(v.request, m.Tag()) }
	}
	sub, err := v.server.hub.Subscribe(v.request.Path, o)
	if err != nil {
		return hubError(err, "")
	}
	defer sub.Close()
	v.missed = sub.Stats
	if v.view != nil {
		return v.serveView(w, r, (*liveSource)(sub))
	}
	batch, file, err := v.openLive(w, r, sub)
	if err != nil {
		return err
	}
	beginning := [][]byte{file}
	for _, m := range batch {
		beginning = m.AppendFLV(beginning)
	}
	if pushed, err := v.push(sub, beginning); pushed {
		return err
	}
	return v.fetch(sub, beginning)
}

// openLive begins the response. It returns the first messages, and the file header, whose flags depend on these messages.
func (v *viewer) openLive(w http.ResponseWriter, r *http.Request, sub *live.Subscriber) (batch []*live.Message, header []byte, err error) {
	var prelude flv.Prelude
	for known := false; !known; {
		from := len(batch)
		if batch, err = sub.NextBatch(v.ctx, batch); err != nil {
			return nil, nil, hubError(err, "")
		}
		if v.out == nil {
			if err := v.begin(w, r); err != nil {
				return nil, nil, err
			}
		}
		for _, m := range batch[from:] {
			t := m.Tag()
			known = prelude.Add(t, len(t.Body)) || known
		}
	}
	return batch, flv.AppendFileHeader(nil, prelude.Header()), nil
}

// fetch sends the slices in parts, and then the messages of sub until the stream ends.
func (v *viewer) fetch(sub *live.Subscriber, parts [][]byte) (err error) {
	var batch []*live.Message
	for {
		if err := v.writeAll(parts); err != nil {
			return err
		}
		clear(parts) // so that this viewer does not keep the messages in memory
		parts = parts[:0]
		if batch, err = sub.NextBatch(v.ctx, batch[:0]); err != nil {
			return hubError(err, "")
		}
		for _, m := range batch {
			parts = m.AppendFLV(parts)
		}
	}
}

// tagBuffers are buffers in which the slices of a message are joined. All viewers share them, since each of them rarely needs one.
var tagBuffers = sync.Pool{New: func() any { return new([]byte) }}

// shareTagBuffer is the size in bytes of the largest buffer that is kept in
// tagBuffers.
const shareTagBuffer = 1 << 20

// writeAll writes the slices in parts with one write.
func (v *viewer) writeAll(parts [][]byte) error {
	buf := tagBuffers.Get().(*[]byte)
	*buf = (*buf)[:0]
	for _, part := range parts {
		*buf = append(*buf, part...)
	}
	err := v.write(*buf)
	if cap(*buf) <= shareTagBuffer {
		tagBuffers.Put(buf)
	}
	return err
}

// push takes over the connection of an HTTP viewer and writes beginning to it. After that, the hub writes to it as to RTMP players. The
// viewer then needs no goroutine that wakes up for each message, no copy of the message, and no deadline for each write. push returns when
// the viewer has left or has received everything. If the connection cannot be taken over, pushed is false and nothing was sent. This is the
// case with HTTP/2, with WebSocket, and if a program wraps the http.ResponseWriter.
func (v *viewer) push(sub *live.Subscriber, beginning [][]byte) (pushed bool, err error) {
	out, ok := v.out.(*responseOut)
	if !ok || out.control.Flush() != nil { // the response's header
		return false, nil
	}
	nc, _, err := out.control.Hijack()
	if err != nil {
		return false, nil
	}
	v.out = answered{}
	sess := session.New(nc, noRTMP{}, session.Config{Peer: "viewer", Timeout: v.server.writeTimeout(), Progress: true,
		Counters: &v.counters, Logger: v.server.log()})
	defer sess.Close()
	setLinger(nc, 0) // this response ends with the connection, so a FIN instead of a reset would look like the end of the stream
	abort := func() {
		closeSilently(nc)
		sess.Fail(session.ErrClosed)
	}
	stop := context.AfterFunc(v.ctx, abort)
	defer stop()
	if err := sess.Writev(beginning); err != nil {
		abort()
		return true, err
	}
	clear(beginning)
	player, err := sub.Push(sink{sess}, func(err error) {
		if err != nil {
			abort()
			return
		}
		setLinger(nc, -1)
		ctx, cancel := context.WithTimeout(v.ctx, lingerTimeout)
		defer cancel()
		if !sess.CloseWrite(ctx) {
			sess.Fail(session.ErrClosed)
			return
		}
		nc.SetReadDeadline(time.Now().Add(lingerTimeout))
	})
	if err != nil {
		abort()
		return true, hubError(err, "")
	}
	v.missed = player.Stats
	awaitEnd(nc)
	sess.Fail(session.ErrClosed) // ends a blocked write, for which player.Close would wait
	player.Close()
	return true, nil
}

// canHijack reports whether http.ResponseController can take over the connection of w.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// setLinger is net.TCPConn.SetLinger, also for TLS. Other connections are left alone.
func setLinger(nc net.Conn, seconds int) {
	if t, ok := below(nc).(interface{ SetLinger(seconds int) error }); ok {
		t.SetLinger(seconds)
	}
}

// closeSilently closes nc without TLS's close_notify.
func closeSilently(nc net.Conn) { below(nc).Close() }

// below returns the connection under TLS, or nc if there is no TLS.
func below(nc net.Conn) net.Conn {
	if t, ok := nc.(*tls.Conn); ok {
		return t.NetConn()
	}
	return nc
}

// awaitEnd reads until the client closes the connection. It ignores what the client
// sends.
func awaitEnd(nc net.Conn) {
	var b [256]byte
	for {
		if _, err := nc.Read(b[:]); err != nil {
			return
		}
	}
}

// noRTMP is the dispatcher of a session that only writes.
type noRTMP struct{}

func (noRTMP) Dispatch(*session.Message, session.Sink) error { return nil }
func (noRTMP) Ended(err error) error                         { return err }
