package relay

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// place is a URL to connect to and the options for it.
type place struct {
	url     string
	options rtmp.Options
}

func (p place) String() string { return rtmpurl.Redact(p.url) }

// link is a connection with one stream.
type link struct {
	conn   *rtmp.Conn
	stream *rtmp.Stream
	to     place
	began  time.Time // when the server accepted

	ctx     context.Context // context of all operations on the stream; its cause may be a *moved
	cancel  context.CancelCauseFunc
	release func() // unbinds the stream from ctx
}

// open connects and opens the stream. The link ends when ctx is done. dialing bounds only this call.
func open(ctx, dialing context.Context, to place, o *rtmp.StreamOptions) (*link, error) {
	l := &link{to: to}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	stop := context.AfterFunc(dialing, func() { l.cancel(context.Cause(dialing)) })
	err := l.open(o)
	if !stop() && err == nil {
		err = l.ctx.Err()
	}
	if err != nil {
		err = l.why(err)
		l.close()
		return nil, err
	}
	l.began = time.Now()
	return l, nil
}

func (l *link) open(o *rtmp.StreamOptions) (err error) {
	l.conn, err = reconnect.Dial(l.ctx, l.to.url, &l.to.options, func(m *reconnect.Moved) { l.cancel(m) })
	if err != nil {
		return err
	}
	if l.stream, err = l.conn.CreateStream(l.ctx, o); err == nil {
		l.release = l.stream.Bind(l.ctx)
	}
	return err
}

// why returns the cause of err, an error of the stream. If the server has asked to reconnect, the cause is a *reconnect.Moved.
func (l *link) why(err error) error {
	var move *reconnect.Moved
	if cause := context.Cause(l.ctx); errors.As(cause, &move) {
		return move
	}
	return err
}

// lost closes the link after err and returns the cause.
func (l *link) lost(err error) error {
	err = l.why(err)
	l.close()
	return err
}

// close sends the written packets and closes the connection. An error means that some of them may not have arrived.
func (l *link) close() (err error) {
	if l.conn != nil {
		err = l.conn.Close()
	}
	if l.release != nil {
		l.release()
	}
	l.cancel(nil)
	return err
}

// check returns an error for invalid settings. It does not connect.
func (p place) check() error {
	if _, err := rtmp.New(p.url, &p.options); err != nil {
		return &impossible{err}
	}
	return nil
}

// impossible is the error for invalid settings.
type impossible struct{ err error }

func (e *impossible) Error() string { return e.err.Error() }
func (e *impossible) Unwrap() error { return e.err }
