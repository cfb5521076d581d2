package rtmp

import (
	"context"
	"log/slog"
	"sync"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// New parses rawURL, which may carry librtmp's options ("rtmp://host/app/play live=1 timeout=10"), and returns a Conn
// that has not touched the network. nil opts are the defaults; options in rawURL win over opts, which is copied. The
// error is an *OptionError or that of package url.
func New(rawURL string, opts *Options) (*Conn, error) {
	c := &Conn{setup: setup{opts: opts.clone()}, out: newWriteSide(), done: make(chan struct{}), drained: make(chan struct{}, 1)}
	c.pump.token = make(chan struct{}, 1)
	c.pump.window = defaultWindow
	c.standing = &waiter{what: "background read", ready: func() bool { return c.claimed() != nil }}
	c.startStanding = sync.OnceFunc(func() { c.own(c.standingReader) })
	if err := c.SetupURL(rawURL); err != nil {
		return nil, err
	}
	for method, h := range c.opts.Handlers {
		c.InvokeHandler(method, h)
	}
	if c.log = c.opts.Logger; c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Dial connects and waits for the server's consent: New, Connect and the Result of its Call. On failure nothing is left
// open. A refusal by the server is a *StatusError, anything before that a *HandshakeError.
func Dial(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	c, err := New(rawURL, opts)
	if err != nil {
		return nil, err
	}
	k, err := c.Connect(ctx)
	if err == nil {
		_, err = k.Result(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// ParseURL takes an RTMP URL apart by librtmp's rules; see package url.
func ParseURL(rawURL string) (*rtmpurl.URL, error) { return rtmpurl.Parse(rawURL) }
