package server

import (
	"context"
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

// openLive begins the response, and returns the first messages and the file's header, which says what is in them.
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
			known = prelude.Add(t.Type, t.Timestamp, len(t.Body)) || known
		}
	}
	return batch, flv.AppendFileHeader(nil, prelude.Header()), nil
}

// fetch sends parts, and what comes after them until the end.
func (v *viewer) fetch(sub *live.Subscriber, parts [][]byte) (err error) {
	var batch []*live.Message
	for {
		if err := v.writeAll(parts); err != nil {
			return err
		}
		clear(parts) // what has been sent need not stay for this viewer
		parts = parts[:0]
		if batch, err = sub.NextBatch(v.ctx, batch[:0]); err != nil {
			return hubError(err, "")
		}
		for _, m := range batch {
			parts = m.AppendFLV(parts)
		}
	}
}

// tagBuffers are for messages in one piece. They are shared, since thousands of viewers need one now and then.
var tagBuffers = sync.Pool{New: func() any { return new([]byte) }}

// shareTagBuffer is the largest that is kept, in bytes.
const shareTagBuffer = 1 << 20

// writeAll writes the parts at once.
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

// push takes over the connection of an HTTP viewer, sends it beginning, and has the hub write to it as it does to RTMP players: without a
// goroutine that wakes up for each message, a copy of it, and a deadline. It returns when the viewer has left or has got everything. pushed
// is false, and nothing has been sent, if the connection can't be had: with HTTP/2, WebSocket, and what programs put in between.
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
	sess := session.New(nc, noRTMP{}, session.Config{Peer: "viewer", Timeout: orDefault(v.server.WriteTimeout, defaultWriteTimeout, 0), Progress: true,
		Counters: &v.counters, Logger: v.server.log()})
	defer sess.Close()
	stop := context.AfterFunc(v.ctx, func() { sess.Fail(session.ErrClosed) })
	defer stop()
	if err := sess.Writev(beginning); err != nil {
		return true, err
	}
	clear(beginning)
	player, err := sub.Push(sink{sess}, func(error) {
		ctx, cancel := context.WithTimeout(v.ctx, lingerTimeout)
		defer cancel()
		if !sess.CloseWrite(ctx) {
			sess.Fail(session.ErrClosed)
			return
		}
		nc.SetReadDeadline(time.Now().Add(lingerTimeout))
	})
	if err != nil {
		return true, hubError(err, "")
	}
	v.missed = player.Stats
	awaitEnd(nc)
	sess.Fail(session.ErrClosed) // so that no write keeps the player
	player.Close()
	return true, nil
}

// awaitEnd reads until the client closes the connection. It has nothing more to say.
func awaitEnd(nc net.Conn) {
	var b [256]byte
	for {
		if _, err := nc.Read(b[:]); err != nil {
			return
		}
	}
}

// noRTMP is for a session that is only written to.
type noRTMP struct{}

func (noRTMP) Dispatch(*session.Message, session.Sink) error { return nil }
func (noRTMP) Ended(err error) error                         { return err }
