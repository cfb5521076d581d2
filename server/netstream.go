package server

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// netStream is a message stream: idle, publishing or playing.
type netStream struct {
	conn    *Conn
	id      uint32
	deleted bool // by the client; what it did is about to be ended. Guarded by conn.mu

	bufferKnown bool // the client has said it of this stream. Guarded by conn.mu

	mu     sync.Mutex // guards the rest; innermost
	in     *ingest    // where media goes; nil: nowhere
	doing  activity   // nil: nothing. Set by the goroutine of the hooks
	buffer int64      // the client's, ms, as it said last; < 0: it did not
}

// activity is what a stream does: a publication, or something that plays.
type activity interface {
	asked() *Request
	// over reports that it has come to its end by itself: another may take its place.
	over() bool
	// release ends it as far as that needs no hook and no waiting. It may be called again, by anybody.
	release()
	// finish ends it, with the hook that is due; on the goroutine of the hooks, once.
	finish()
	// serve serves a command: pause, seek, receiveAudio, receiveVideo; on the goroutine of the hooks.
	serve(cmd message.Command)
	// setBuffer says how much the client buffers. It must not wait.
	setBuffer(d time.Duration)
}

func (st *netStream) ingest() *ingest {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.in
}

// endIngest is for when the client publishes nothing more, and why; what it has published is in the queue, if it is not with players.
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

// begin makes a what the stream does. It reports false if the stream is in use.
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

// finish ends what the stream does, if that is a. It runs on the goroutine of the hooks.
func (st *netStream) finish(a activity) {
	st.mu.Lock()
	same := a != nil && st.doing == a
	if same {
		st.doing = nil
	}
	st.mu.Unlock()
	if same {
		a.release()
		a.finish()
	}
}

// finishLater has the hooks finish a.
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

// refuse tells the client an error of a hook or of ours.
func (st *netStream) refuse(err error, code string) {
	c := st.conn
	c.server.counts.refused.Add(1)
	r := refusalOf(err, code)
	c.log.Info("rtmp: refused", "code", r.Code, "error", err)
	if o, bad := statusMessage(st.id, "error", r.Code, r.Description, r.extra()); bad == nil {
		c.core.SendReply(o)
	}
}

// release ends what the connection was doing, without waiting for hooks.
func (c *Conn) release() {
	for _, st := range c.allStreams() {
		st.endIngest(c.core.Err())
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

// farewell is the last that the goroutine of the hooks does.
func (c *Conn) farewell(err error) {
	c.release()
	for _, st := range c.allStreams() {
		st.finish(st.activity())
	}
	c.mu.Lock()
	accepted := c.accepted
	c.mu.Unlock()
	if accepted {
		c.application().disconnect(c, err)
	}
}

func (c *Conn) result(cmd message.Command, value any) {
	if cmd.TransactionID != 0 {
		c.command(0, "_result", cmd.TransactionID, nil, value)
	}
}

// failed answers a command with an error, if it wants an answer.
func (c *Conn) failed(cmd message.Command, code, description string) {
	if cmd.TransactionID != 0 {
		c.command(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", code, description))
	}
}

// boolean is an argument; anything but false, null and 0 is true.
func boolean(args []any, i int, missing bool) bool {
	if i >= len(args) {
		return missing
	}
	switch v := args[i].(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case nil:
		return false
	}
	return args[i] != amf.Undefined
}
