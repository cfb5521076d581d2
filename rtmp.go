package rtmp

import (
	"context"
	"errors"
	"log/slog"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// New parses rawURL, which may carry librtmp's options ("rtmp://host/app/play live=1 timeout=10"), and returns a Conn
// that has not touched the network. nil opts are the defaults; options in rawURL win over opts, which is copied. The
// error is an *OptionError or that of package url.
func New(rawURL string, opts *Options) (*Conn, error) {
	c := &Conn{setup: setup{opts: opts.clone()}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
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
//
// Some servers don't answer a connect that announces Enhanced RTMP, or hang up at it. When nothing has come for three
// seconds, or for half of Options.Timeout or a quarter of what ctx allows, Dial connects once more without; Stats.WithoutEnhanced then says
// so. Options.NoEnhanced does so from the start.
func Dial(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	c, err := New(rawURL, opts)
	if err != nil {
		return nil, err
	}
	if c.announces() {
		c.patience = connectPatience
	}
	deaf, err := c.establish(ctx)
	if !deaf {
		return established(c, err)
	}
	c.log.Warn("rtmp: the server did not answer connect: once more without Enhanced RTMP", "server", c.url.Redacted(), "error", err)
	c, _ = New(rawURL, opts) // which has succeeded before
	c.withoutEnhanced = true
	_, second := c.establish(ctx)
	var earlier *HandshakeError
	if errors.As(second, &earlier) && earlier.Stage != StageConnect && ctx.Err() == nil {
		return established(c, err) // which came further, and says more
	}
	return established(c, second)
}

// establish connects and waits for the server's consent. deaf says that the server may give it to a connect that does not
// announce Enhanced RTMP; the Conn is closed then.
func (c *Conn) establish(ctx context.Context) (deaf bool, err error) {
	k, err := c.Connect(ctx)
	if err == nil {
		err = c.connectResult(ctx, k)
	}
	var hungUp *HandshakeError
	deaf = c.announces() && !c.answers && ctx.Err() == nil &&
		(errors.As(err, &hungUp) && hungUp.Stage == StageConnect || errors.Is(err, errImpatient))
	if deaf {
		c.Close()
	}
	return deaf, err
}

// established is what Dial returns.
func established(c *Conn, err error) (*Conn, error) {
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// ParseURL takes an RTMP URL apart by librtmp's rules; see package url.
func ParseURL(rawURL string) (*rtmpurl.URL, error) { return rtmpurl.Parse(rawURL) }
