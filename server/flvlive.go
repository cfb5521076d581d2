package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/session"
)

// live plays a live stream.
func (v *viewer) live(w http.ResponseWriter, r *http.Request) error {
	o := live.PlayOptions{Await: v.app.Live.Await, NoCache: v.app.Live.NoCache}
	if v.app.Deliver != nil {
		o.Deliver = func(m *live.Message) bool { return v.app.deliver(v.request, m.Tag()) }
	}
	sub, err := v.server.relay.hub.Subscribe(v.request.Path, o)
	if err != nil {
		return hubError(err, "")
	}
	defer sub.Close()
	v.missed = sub.Stats
	if v.view != nil {
		return v.serveView(w, r, (*liveSource)(sub))
	}
	if err := v.openLive(w, r, sub); err != nil {
		return err
	}
	if pushed, err := v.push(sub); pushed {
		return err
	}
	return v.fetch(sub)
}

// openLive sends the response's headers and the beginning of the file: the FLV header says what is in it.
func (v *viewer) openLive(w http.ResponseWriter, r *http.Request, sub *live.Subscriber) (err error) {
	var prelude flvReader
	var batch []*live.Message
	for !prelude.begun {
		if batch, err = sub.NextBatch(v.ctx, batch[:0]); err != nil {
			return hubError(err, "")
		}
		if v.out == nil {
			if err := v.begin(w, r); err != nil {
				return err
			}
		}
		for _, m := range batch {
			prelude.add(m.Tag())
		}
	}
	return v.write(prelude.buf)
}

// fetch sends what comes until the end.
func (v *viewer) fetch(sub *live.Subscriber) (err error) {
	var batch []*live.Message
	var parts [][]byte
	for {
		if batch, err = sub.NextBatch(v.ctx, batch[:0]); err != nil {
			return hubError(err, "")
		}
		parts = parts[:0]
		for _, m := range batch {
			parts = m.AppendFLV(parts)
		}
		if err := v.writeAll(parts); err != nil {
			return err
		}
		clear(parts) // what has been sent need not stay for this viewer
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

// push takes over the connection of an HTTP viewer, and has the hub write to it as it does to RTMP players: without a goroutine that
// wakes up for each message, a copy of it, and a deadline. It returns when the viewer has left or has got everything. pushed is false, and
// nothing has changed, if the connection can't be had: with HTTP/2, WebSocket, and what programs put in between.
func (v *viewer) push(sub *live.Subscriber) (pushed bool, err error) {
	out, ok := v.out.(*responseOut)
	if !ok {
		return false, nil
	}
	nc, _, err := out.control.Hijack()
	if err != nil {
		return false, nil
	}
	v.out = answered{}
	core := session.New(nc, noRTMP{}, session.Config{Peer: "viewer", Timeout: orDefault(v.server.WriteTimeout, defaultWriteTimeout, 0), Progress: true,
		Counters: &v.counters, Logger: v.server.log()})
	defer core.Close()
	stop := context.AfterFunc(v.ctx, func() { core.Fail(session.ErrClosed) })
	defer stop()
	player, err := sub.Push(sink{core}, func(error) {
		ctx, cancel := context.WithTimeout(v.ctx, lingerTimeout)
		defer cancel()
		core.CloseWrite(ctx)
		nc.SetReadDeadline(time.Now().Add(lingerTimeout))
	})
	if err != nil {
		return true, hubError(err, "")
	}
	v.missed = player.Stats
	awaitEnd(nc)
	core.Fail(session.ErrClosed) // so that no write keeps the player
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
