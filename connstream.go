package rtmp

import "context"

// CreateStream opens a stream and plays it, or publishes with StreamOptions.Writable; nil opts play the playpath of the
// URL. It waits for connect's answer, and returns once the server has started the stream or, playing, the first media has
// arrived. A refusal is a *StatusError and leaves the connection usable. With Options.Pipelining, the first CreateStream takes over the
// stream that Connect has asked for if it wants the same; else that stream is closed.
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
	if s, err := k.takeAhead(ctx, o); s != nil || err != nil {
		return s, err
	}
	s := k.streams.newStream(o)
	err = k.session.Blocked() // before the server is asked for a stream that it would keep
	if err == nil {
		err = s.open(ctx)
	}
	if err != nil {
		s.abandon()
		return nil, s.notOpened(err)
	}
	return s, nil
}

// takeAhead returns the stream that Connect has asked for ahead, if it is the one that o asks for. Both results are nil where it is
// not, or the server minded: then CreateStream does all by itself.
func (k *client) takeAhead(ctx context.Context, o StreamOptions) (*Stream, error) {
	h := k.ahead.Swap(nil)
	if h == nil {
		return nil, nil
	}
	if !h.is(k.complete(o)) {
		h.request.end()
		h.stream.Close()
		return nil, nil
	}
	if open, err := h.await(ctx); err != nil || !open {
		return nil, err
	}
	return h.claim(ctx, o)
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
