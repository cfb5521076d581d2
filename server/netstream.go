package server

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// netStream is a message stream: idle, publishing or playing.
type netStream struct {
	conn    *Conn
	id      uint32
	deleted bool // the client has deleted the stream, whose activity is about to end; guarded by conn.mu

	bufferKnown bool // the client has set the buffer of this stream, and not only that of stream 0; guarded by conn.mu

	mu     sync.Mutex // guards the fields below; no other lock is taken while it is held
	in     *ingest    // receives the media; if nil, media is dropped
	doing  activity   // set by the hooks' goroutine; nil if there is none
	buffer int64      // size of the client's buffer in ms; < 0 if unknown
}

// activity is what a stream is used for: publishing, or one of the ways to play.
type activity interface {
	asked() *Request
	// over reports whether the activity has ended by itself, so that another may start on the stream.
	over() bool
	// release ends the part of the activity that needs no hook and does not block. It may be called more than once, from any goroutine.
	release()
	// finish ends the activity and calls Unpublish or Stop. It is called once, on the hooks' goroutine.
	finish()
	// serve serves pause, seek, receiveAudio and receiveVideo. It is called on the hooks' goroutine.
	serve(cmd message.Command)
	// setBuffer sets the size of the client's buffer. It must not block.
	setBuffer(d time.Duration)
}

func (st *netStream) ingest() *ingest {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.in
}

// endIngest records that the client no longer publishes on the stream, and why. Queued messages stay in the queue.
func (st *netStream) endIngest(why error) {
	st.mu.Lock()
	in := st.in
	st.in = nil
	st.mu.Unlock()
	if in != nil {
		in.end(why)
	}
}

func (st *netStream) activity() activity {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.doing
}

// begin starts an activity. It returns false if the stream is in use.
func (st *netStream) begin(a activity) bool {
	before := st.activity()
	if before != nil {
		if !before.over() {
			return false
		}
		st.finish(before)
	}
	st.mu.Lock()
	st.doing = a
	buffer := st.buffer
	st.mu.Unlock()
	if buffer >= 0 {
		a.setBuffer(time.Duration(buffer) * time.Millisecond)
	}
	return true
}

// finish ends a if it is still the stream's activity. It runs on the hooks' goroutine, as does everything that changes the activity.
func (st *netStream) finish(a activity) {
	if a == nil || st.activity() != a {
		return
	}
	a.release()
	if p, ok := a.(*publication); ok {
		p.tellEnded() // while the stream still has the activity, so that hungUp can find it and waits
	}
	st.mu.Lock()
	st.doing = nil
	st.mu.Unlock()
	a.finish()
}

func (st *netStream) finishLater(a activity) { st.conn.later(0, func() { st.finish(a) }) }

func (st *netStream) setBuffer(ms uint32) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.buffer = int64(ms)
	if st.doing != nil {
		st.doing.setBuffer(time.Duration(ms) * time.Millisecond)
	}
}

func (st *netStream) status(level, code, description string) error {
	return st.conn.status(st.id, level, code, description)
}

// refuse notifies the client that its request was refused.
func (st *netStream) refuse(err error, code string) {
	c := st.conn
	c.server.counts.refused.Add(1)
	r := refusalOf(err, code)
	c.log.Info("rtmp: refused", "code", r.Code, "error", err)
	if o, bad := statusMessage(st.id, "error", r.Code, r.Description, r.extra()); bad == nil {
		c.session.SendReply(o)
	}
}

// release calls release on all activities of the connection. It does not wait
// for hooks.
func (c *Conn) release() {
	for _, st := range c.allStreams() {
		st.endIngest(c.session.Err())
		if a := st.activity(); a != nil {
			a.release()
		}
	}
	c.server.shared.leave(c)
}

func (c *Conn) allStreams() []*netStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	streams := make([]*netStream, 0, len(c.streams))
	for _, st := range c.streams {
		streams = append(streams, st)
	}
	return streams
}

// farewell is the last function that runs on the hooks' goroutine.
func (c *Conn) farewell(err error) {
	c.release()
	for _, st := range c.allStreams() {
		st.finish(st.activity())
	}
	c.mu.Lock()
	admitted := c.admitted
	c.mu.Unlock()
	if admitted {
		c.application().disconnect(c, err)
	}
}
