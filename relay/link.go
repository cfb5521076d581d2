package relay

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

type endpoint struct {
	url     string
	options rtmp.Options
}

func (p endpoint) String() string { return rtmpurl.Redact(p.url) }

type link struct {
	conn     *rtmp.Conn
	stream   *rtmp.Stream
	endpoint endpoint
	began    time.Time // when the server accepted the stream

	ctx     context.Context // context of all operations on the stream; its cause may be a *moved
	cancel  context.CancelCauseFunc
	release func() // unbinds the stream from ctx
}

// open connects and opens the stream. The link ends when ctx is done. dialing bounds only this call.
func open(ctx, dialing context.Context, to endpoint, o *rtmp.StreamOptions) (*link, error) {
	l := &link{endpoint: to}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	stop := context.AfterFunc(dialing, func() { l.cancel(context.Cause(dialing)) })
	err := l.open(o)
	if !stop() && err == nil {
		err = l.ctx.Err()
	}
	if err != nil {
		err = l.cause(err)
		l.close()
		return nil, err
	}
	l.began = time.Now()
	return l, nil
}

func (l *link) open(o *rtmp.StreamOptions) (err error) {
	l.conn, err = reconnect.Dial(l.ctx, l.endpoint.url, &l.endpoint.options, func(m *reconnect.Moved) { l.cancel(m) })
	if err != nil {
		return err
	}
	if l.stream, err = l.conn.CreateStream(l.ctx, o); err == nil {
		l.release = l.stream.Bind(l.ctx)
	}
	return err
}

// cause returns the *reconnect.Moved if the server has asked to reconnect, and otherwise err.
func (l *link) cause(err error) error {
	var move *reconnect.Moved
	if cause := context.Cause(l.ctx); errors.As(cause, &move) {
		return move
	}
	return err
}

// fail closes the link after err and returns the cause.
func (l *link) fail(err error) error {
	err = l.cause(err)
	l.close()
	return err
}

// close sends the written packets and closes the connection. After an error some of them may not have arrived.
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

// check returns an error for invalid settings.
func (p endpoint) check() error {
	if _, err := rtmp.New(p.url, &p.options); err != nil {
		return &settingsError{err}
	}
	return nil
}

type settingsError struct{ err error }

func (e *settingsError) Error() string { return e.err.Error() }
func (e *settingsError) Unwrap() error { return e.err }
