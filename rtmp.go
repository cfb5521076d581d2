package rtmp

import (
	"context"
	"errors"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// New parses rawURL, which may carry librtmp's options ("rtmp://host/app/play live=1 timeout=10"), and returns a Conn
// that has not touched the network. nil opts are the defaults; options in rawURL win over opts, which is copied. The
// error is an *OptionError or that of package url.
func New(rawURL string, opts *Options) (*Conn, error) {
	c := &Conn{core: new(core), setup: setup{settings: settings{opts: opts.clone()}}}
	if err := c.setup.replace(rawURL); err != nil {
		return nil, err
	}
	o := c.setup.opts
	c.core.init(context.WithValue(context.Background(), connKey{}, c), o.Logger, o.Handlers)
	return c, nil
}

// Dial connects and waits for the server's consent: New, Connect and the Result of its Call. On failure nothing is left
// open. A refusal by the server is a *StatusError, anything before that a *HandshakeError.
//
// Some servers don't answer a connect that announces Enhanced RTMP, or hang up at it. When nothing has come for three
// seconds, or for half of Options.Timeout or a quarter of what ctx allows, Dial connects once more without; Stats.WithoutEnhanced then says
// so. Options.NoEnhanced does so from the start.
func Dial(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	c, deaf, err := dial(ctx, rawURL, opts, true)
	if !deaf {
		return c, err
	}
	c, _, second := dial(ctx, rawURL, opts, false)
	var earlier *HandshakeError
	if errors.As(second, &earlier) && earlier.Stage != StageConnect && ctx.Err() == nil {
		return nil, err // which came further, and says more
	}
	return c, second
}

// dial is Dial with one way to connect: announce says to announce Enhanced RTMP, unless Options don't want that. deaf says that the
// server may give its consent if it is not announced.
func dial(ctx context.Context, rawURL string, opts *Options, announce bool) (_ *Conn, deaf bool, _ error) {
	c, err := New(rawURL, opts)
	if err != nil {
		return nil, false, err
	}
	k, err := c.connector(ctx)
	if err != nil {
		return nil, false, err
	}
	if k.announce = k.announce && announce; k.announce {
		k.patience = connectPatience
	}
	if !announce { // all steps back were made before
		c.core.counts.pipelineFallbacks.Store(int64(k.pipelining))
		k.pipelining = PipelineNone
	}
	connect, err := c.use(k.connect(ctx))
	if err == nil {
		err = k.await(ctx, connect)
	}
	if err == nil {
		return c, false, nil
	}
	c.Close()
	var hungUp *HandshakeError
	deaf = k.announce && !k.answered && ctx.Err() == nil &&
		(errors.As(err, &hungUp) && hungUp.Stage == StageConnect || errors.Is(err, errImpatient))
	if deaf {
		c.core.log.Warn("rtmp: the server did not answer connect: once more without Enhanced RTMP", "server", k.url.Redacted(), "error", err)
	}
	return nil, deaf, err
}

// ParseURL takes an RTMP URL apart by librtmp's rules; see package url.
func ParseURL(rawURL string) (*rtmpurl.URL, error) { return rtmpurl.Parse(rawURL) }
