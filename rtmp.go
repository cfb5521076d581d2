package rtmp

import (
	"context"
	"errors"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// New parses rawURL, which may be followed by librtmp's options ("rtmp://host/app/play live=1 timeout=10"), and returns a Conn that is not
// connected yet. If opts is nil, New uses the defaults. It copies opts; options in rawURL take precedence over them. The error is an
// *OptionError or an error of package url.
func New(rawURL string, opts *Options) (*Conn, error) {
	c := &Conn{core: new(core), setup: setup{settings: settings{opts: opts.clone()}}}
	if err := c.setup.replace(rawURL); err != nil {
		return nil, err
	}
	o := c.setup.opts
	c.core.init(context.WithValue(context.Background(), connKey{}, c), o.Logger, o.Handlers)
	return c, nil
}

// Dial connects and waits until the server has accepted the connection: it calls New, Connect, and Result of the Call that Connect returns.
// If Dial fails, it leaves no connection open. The error is a *StatusError if the server refuses, and a *HandshakeError if no connection
// can be made or the server hangs up before it answers.
//
// Some servers do not answer a connect that announces Enhanced RTMP, or hang up. Dial then connects once more without the announcement, and
// Stats.WithoutEnhanced is true. It waits for the first answer for three seconds, half of Options.Timeout, or a quarter of the time that
// ctx has left, whichever is shortest. With Options.NoEnhanced, the first connect already omits the announcement.
func Dial(ctx context.Context, rawURL string, opts *Options) (*Conn, error) {
	c, deaf, err := dial(ctx, rawURL, opts, true)
	if !deaf {
		return c, err
	}
	c, _, second := dial(ctx, rawURL, opts, false)
	var earlier *HandshakeError
	if errors.As(second, &earlier) && earlier.Stage != StageConnect && ctx.Err() == nil {
		return nil, err // the first attempt got further, so its error is more useful
	}
	return c, second
}

// dial makes one attempt of Dial. announce says to announce Enhanced RTMP, unless Options.NoEnhanced is set. deaf reports that the server
// may accept a connect without the announcement.
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
	if !announce { // the first attempt has already tried less and less pipelining
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
		c.core.log.Warn("rtmp: no answer to connect, connecting again without Enhanced RTMP", "server", k.url.Redacted(), "error", err)
	}
	return nil, deaf, err
}

// ParseURL parses an RTMP URL by librtmp's rules; see package url.
func ParseURL(rawURL string) (*rtmpurl.URL, error) { return rtmpurl.Parse(rawURL) }
