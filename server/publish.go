package server

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/admission"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// publishReceived makes the ingest for the client's media at once, since the client may send media before it has received the answer to
// publish.
func (d *dispatcher) publishReceived(id uint32, cmd message.Command) {
	st := d.stream(id)
	var in *ingest
	if st != nil {
		in = newIngest(&d.waiting)
		if !st.tryIngest(in) {
			in = nil
		}
	}
	d.serve(cmd, func() {
		if in == nil {
			d.status(id, "error", message.CodeFailed, "no such stream, or it is in use")
			return
		}
		d.commands.publish(st, in, cmd)
	})
}

// tryIngest makes in the ingest of the stream's media. It returns false if the stream already has an ingest.
func (st *netStream) tryIngest(in *ingest) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.in != nil {
		return false
	}
	st.in = in
	return true
}

// dropIngest drops the media of a publication that was refused or has ended.
func (st *netStream) dropIngest(in *ingest) {
	st.mu.Lock()
	if st.in == in {
		st.in = nil
	}
	st.mu.Unlock()
	in.drop()
}

// publish serves a publish command.
func (k *commands) publish(st *netStream, in *ingest, cmd message.Command) {
	app := k.application()
	r := k.request(st.id, text(cmd.Args, 0))
	if r.Kind = text(cmd.Args, 1); r.Kind != "record" && r.Kind != "append" {
		r.Kind = "live"
	}
	p := &publication{stream: st, app: app, request: r, in: in}
	if a := st.activity(); a != nil && !a.over() {
		st.dropIngest(in)
		st.status("error", message.CodeFailed, "the stream is in use")
		return
	}
	if code, err := p.permit(); err != nil {
		st.dropIngest(in)
		if code != "" {
			st.refuse(err, code)
		}
		return
	}
	if code, err := p.start(); err != nil {
		st.dropIngest(in)
		st.refuse(err, code)
		p.app.unpublish(r, StreamStats{Path: r.Path})
	}
}

// publication publishes a stream to the hub.
type publication struct {
	stream  *netStream
	app     application
	request *Request
	in      *ingest
	pub     *live.Publisher
	record  *recording // nil if the stream is not recorded
	since   time.Time
	told    sync.Once // the client has been told that the publication has ended
}

// permit checks whether the client may publish, and calls App.Publish. code is the status code for the error, or "" if the client has already
// received an answer.
func (p *publication) permit() (code string, err error) {
	r := p.request
	if p.app.Publishers != nil && r.User == "" {
		return message.CodePublishDenied, Deny("authentication is needed")
	}
	if !validPath(r.Path) {
		return message.CodePublishBadName, &Refusal{Description: errBadPath.Error()}
	}
	c := p.stream.conn
	if c.foreign(r.Path) {
		return message.CodePublishDenied, errForeign
	}
	if p.app.Publish == nil { // needs no timer
		return "", nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, PublishTimeout)
	defer cancel()
	late := time.AfterFunc(PublishTimeout, func() { // the hook may ignore ctx
		p.stream.dropIngest(p.in)
		c.session.TryReply(session.Status(p.stream.id, "error", message.CodePublishDenied, "the server has not decided in time"))
		c.session.FlushReplies()
	})
	err = p.app.publish(ctx, r)
	if inTime := late.Stop(); !inTime {
		if err == nil {
			p.app.unpublish(r, StreamStats{Path: r.Path})
		}
		return "", context.DeadlineExceeded
	}
	if err == nil && !validPath(r.Path) {
		p.app.unpublish(r, StreamStats{Path: r.Path})
		return message.CodePublishBadName, &Refusal{Description: errBadPath.Error()}
	}
	return message.CodePublishDenied, err
}

// start begins to publish.
func (p *publication) start() (code string, err error) {
	if p.app.Handler != nil {
		return message.CodeFailed, p.handle()
	}
	c := p.stream.conn
	host := ""
	if addr := admission.AddrOf(c.remote); addr.IsValid() { // two clients without an address are not treated as the same client
		host = addr.String()
	}
	owner := cmp.Or(p.request.User, host, c.remote.Network())
	p.pub, err = c.server.hub.Publish(p.request.Path, live.PublishOptions{Policy: p.app.Live.policy(),
		User: p.request.User, Host: host, Owner: owner, Ended: p.ended})
	if err != nil {
		return message.CodePublishDenied, hubError(err, message.CodePublishBadName)
	}
	if p.record, err = c.server.record(p.app.Files, p.request, p.pub, c.log, p.recordingFailed, c.later); err != nil {
		if p.record == nil || p.asksRecord() {
			p.pub.Close()
			return message.CodeRecordFailed, &Refusal{Description: recordFailure(err)}
		}
		p.record.report("", err) // the client has not asked for a recording, so it is not informed
	}
	p.since = time.Now()
	if !p.stream.begin(p) {
		return message.CodeFailed, errBadPath // impossible: the stream was free, and only this goroutine starts activities
	}
	p.in.open(p.take) // before the client is notified: the reader must publish what the client sends before it leaves
	p.stream.status("status", message.CodePublishStart, "Publishing "+p.request.Name+".")
	c.log.Debug("rtmp: publishing", "stream", quote.Attr(p.request.Path))
	return "", nil
}

func (p *publication) asksRecord() bool { return p.request.Kind != "live" }

// take publishes a message. It is called with ingest.mu held, usually by the reader.
func (p *publication) take(m *session.Message) {
	if !p.app.media(p.request, m) {
		return
	}
	if tag, ok := tagOf(m); ok {
		p.pub.Write(tag) // the hub also passes the error to ended
	}
}

// ended is called after the hub has ended the publisher.
func (p *publication) ended(err error) {
	c, reason := p.stream.conn, "the server is shutting down"
	if errors.Is(err, live.ErrClosed) {
		p.told.Do(func() { c.status(0, "error", message.CodeConnectAppShutdown, reason) })
	} else {
		reason = p.tell(err)
	}
	c.log.Info("rtmp: publisher ended", "stream", quote.Attr(p.request.Path), "reason", reason)
	c.leave() // first: after finish, a command of the client would be answered as if it published nothing
	p.stream.finishLater(p)
}

// tell sends the status for the error with which the publisher has ended, and returns its description. live.ErrClosed means that the client
// has ended the publication.
func (p *publication) tell(err error) (description string) {
	level, code := "error", message.CodePublishDenied
	description = "too many bits per second"
	switch {
	case errors.Is(err, live.ErrReplaced):
		code, description = message.CodePublishBadName, "another publisher has taken over"
	case errors.Is(err, live.ErrIdle):
		code, description = message.CodePublishIdle, "no media has come"
	case errors.Is(err, live.ErrClosed):
		level, code, description = "status", message.CodeUnpublishSuccess, p.request.Name+" is over."
	}
	p.told.Do(func() { p.stream.status(level, code, description) })
	return description
}

// tellEnded sends the status if the server has ended the publication, for instance because another publisher has taken over.
func (p *publication) tellEnded() {
	if err := p.pub.Err(); err != nil && !errors.Is(err, live.ErrClosed) {
		p.tell(err)
	}
}

// recordingFailed tells the client that its recording has ended with an error.
func (p *publication) recordingFailed(err error) {
	level := "warning"
	if p.asksRecord() {
		level = "error"
	}
	p.stream.status(level, message.CodeRecordFailed, recordFailure(err))
}

func (p *publication) asked() *Request         { return p.request }
func (p *publication) over() bool              { return p.pub.Err() != nil }
func (p *publication) serve(message.Command)   {}
func (p *publication) setBuffer(time.Duration) {}
func (p *publication) release()                { p.pub.Close() }

func (p *publication) finish() {
	p.stream.dropIngest(p.in)
	st := StreamStats(p.pub.Stats())
	p.record.finish()
	if p.stream.conn.session.Err() == nil {
		p.tell(p.pub.Err()) // another publisher may have taken over just before the client has ended the publication
	}
	p.app.unpublish(p.request, st)
}

// policy returns the rules for the publishers of an application.
func (l *Live) policy() live.Policy {
	return live.Policy{Takeover: live.Takeover(l.Takeover), StaleAfter: l.StaleAfter, PublishIdle: l.PublishIdle, Linger: l.Linger,
		MaxBitrate: l.MaxBitrate, Backlog: l.Backlog, BacklogTime: l.BacklogTime, Merge: l.Merge}
}
