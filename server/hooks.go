package server

import (
	"context"
	"runtime/debug"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// application is an App in use by one client. Hooks are called only by its methods. A nil hook
// allows everything. A hook that panics counts as failed, and the client's connection ends.
type application struct {
	*App     // nil if the client's application does not exist
	panicked func(*message.PanicError)
}

// recovered must be deferred by every method that calls a hook. err may be nil.
func (a application) recovered(err *error) {
	v := recover()
	if v == nil {
		return
	}
	panicked := &message.PanicError{Value: v, Stack: debug.Stack()}
	a.panicked(panicked)
	if err != nil {
		*err = panicked
	}
}

func (a application) connect(c *Conn) (err error) {
	if a.Connect == nil {
		return nil
	}
	defer a.recovered(&err)
	return a.Connect(c.ctx, c)
}

func (a application) connected(c *Conn) {
	if a.Connected != nil {
		defer a.recovered(nil)
		a.Connected(c)
	}
}

func (a application) disconnect(c *Conn, reason error) {
	if a.Disconnect != nil {
		defer a.recovered(nil)
		a.Disconnect(c, reason)
	}
}

func (a application) publish(ctx context.Context, r *Request) (err error) {
	if a.Publish == nil {
		return nil
	}
	defer a.recovered(&err)
	return a.Publish(ctx, r)
}

func (a application) unpublish(r *Request, st StreamStats) {
	if a.Unpublish != nil {
		defer a.recovered(nil)
		a.Unpublish(r, st)
	}
}

func (a application) play(ctx context.Context, r *Request) (err error) {
	if a.Play == nil {
		return nil
	}
	defer a.recovered(&err)
	return a.Play(ctx, r)
}

func (a application) stop(r *Request, st StreamStats) {
	if a.Stop != nil {
		defer a.recovered(nil)
		a.Stop(r, st)
	}
}

func (a application) status(c *Conn, s *message.StatusError) {
	if a.Status != nil {
		defer a.recovered(nil)
		a.Status(c, s)
	}
}

// call serves a remote call with own or, if own is nil, with the App's methods. If there is no such method, found is false.
func (a application) call(c *Conn, own Method, cmd message.Command) (result any, found bool, err error) {
	defer a.recovered(&err)
	if own == nil {
		own = a.Methods[cmd.Name]
	}
	switch {
	case own != nil:
		result, err = own(c.ctx, c, cmd.Args)
	case a.Command != nil:
		result, err = a.Command(c.ctx, c, cmd)
	default:
		return nil, false, nil
	}
	return result, true, err
}

// packet passes a message to App.Packet, and reports whether the hook has served the message.
func (a application) packet(c *Conn, m *session.Message) (served bool, err error) {
	if a.App == nil || a.Packet == nil {
		return false, nil
	}
	p := m.View()
	defer a.recovered(nil) // a panic has ended the connection
	return a.Packet(c, &p)
}

// media reports whether App.Media accepts a published message.
func (a application) media(r *Request, m *session.Message) bool {
	if a.Media == nil {
		return true
	}
	p := m.View()
	return a.filter(a.Media, r, &p)
}

// deliver reports whether App.Deliver accepts a message for a player. The message's stream id is 0 for players over
// HTTP.
func (a application) deliver(r *Request, t flv.Tag) bool {
	return a.Deliver == nil || a.filter(a.Deliver, r,
		&message.Packet{Type: message.Type(t.Type), Timestamp: t.Timestamp, Absolute: true, StreamID: r.StreamID, Body: t.Body})
}

func (a application) filter(hook func(*Request, *message.Packet) bool, r *Request, p *message.Packet) bool {
	defer a.recovered(nil)
	return hook(r, p)
}
