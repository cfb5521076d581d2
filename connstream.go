package rtmp

import (
	"context"
	"errors"
)

// CreateStream opens a stream and plays it, or publishes with StreamOptions.Writable; nil opts play the playpath of the
// URL. It waits for connect's answer, and returns once the server has started the stream or, playing, the first media has
// arrived. A refusal is a *StatusError and leaves the connection usable.
func (c *Conn) CreateStream(ctx context.Context, opts *StreamOptions) (*Stream, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	var o StreamOptions
	if opts != nil {
		o = *opts
	}
	if _, err := k.connectCall.Result(ctx); err != nil {
		return nil, err
	}
	s := k.streams.newStream(o)
	open, what := s.play, "play"
	if o.Writable {
		open, what = s.publish, "publish"
	}
	err = k.session.Blocked() // before the server is asked for a stream that it would keep
	if err == nil {
		err = open(ctx)
	}
	if err != nil {
		s.abandon()
		var option *OptionError
		if errors.As(err, &option) {
			return nil, err
		}
		return nil, during(s.opening(what), err)
	}
	return s, nil
}

// SharedObject connects to the shared object of that name in the Conn's application, and returns when the server has
// answered; its properties may follow. A persistent object outlives its users. A name can be connected once on a Conn.
func (c *Conn) SharedObject(ctx context.Context, name string, persistent bool) (*SharedObject, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	if _, err := k.connectCall.Result(ctx); err != nil {
		return nil, err
	}
	return k.shared.use(ctx, name, persistent)
}
