package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
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

// dial makes one attempt of Dial. If announce is set, connect announces Enhanced RTMP, unless Options.NoEnhanced is set. deaf reports whether
// the server may accept a connect without the announcement.
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
	if !announce { // the first attempt has already tried every lower value of Pipelining
		c.core.counts.pipelineFallbacks.Store(int64(k.pipelining))
		k.pipelining = PipelineNone
	}
	connect, err := c.use(k.connect(ctx))
	if err == nil {
		err = k.named(k.await(ctx, connect))
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

var errConnecting = errors.New("must be set before Connect")

// SetOption sets an option by librtmp's name (live, start, conn, ...) and in librtmp's syntax: durations are in milliseconds,
// except for timeout in seconds and swfAge in days; booleans are 1, on, yes, true or 0, off, no, false. The error is an
// *OptionError.
func (c *Conn) SetOption(name, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connecting {
		return &OptionError{Name: name, Err: errConnecting}
	}
	return c.setup.set(name, value)
}

// SetupURL replaces the URL and sets the options that follow it, as in "rtmp://host/app/play name=value". If it returns an error, nothing
// has changed.
func (c *Conn) SetupURL(rawURL string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connecting {
		return &OptionError{Name: "url", Err: errConnecting}
	}
	return c.setup.replace(rawURL)
}

// Options returns the options of c, with those that follow the URL, and those of SetOption. Playpath is the name of the stream in the URL
// unless an option replaces it. The caller may change the result, but not what its fields point to.
func (c *Conn) Options() *Options {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, _ := c.setup.finish() // Connect reports invalid options
	o := s.opts.clone()
	o.Playpath = s.playpath()
	return o
}

// Connect dials, performs the handshake and sends the connect command. Result of the returned Call waits for the server's answer. Connect
// itself waits for the answer only with credentials, MaxRedirects or Pipelining, because it may then have to connect again. It announces
// Enhanced RTMP unless Options.NoEnhanced is set; unlike Dial, it does not try again without the announcement. The error is an
// *OptionError, a *HandshakeError or the error of ctx. A Conn whose Connect has failed cannot be used again.
func (c *Conn) Connect(ctx context.Context) (*Call, error) {
	k, err := c.connector(ctx)
	if err != nil {
		return nil, err
	}
	return c.use(k.connect(ctx))
}

// ConnectPacket is like Connect, but sends p as the connect command, with p's transaction id.
func (c *Conn) ConnectPacket(ctx context.Context, p *Packet) (*Call, error) {
	id := 1.0
	if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil {
		id = cmd.TransactionID
	}
	k, err := c.connector(ctx)
	if err != nil {
		return nil, err
	}
	k.pipelining = PipelineNone
	return c.use(k.try(ctx, id, session.EncodePacket(p)))
}

// connector returns the connector of c. A Conn connects only once: a second call returns an error.
func (c *Conn) connector(ctx context.Context) (*connector, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	settings, err := c.setup.finish()
	if err != nil {
		return nil, err
	}
	if err := c.core.Err(); err != nil {
		return nil, err
	}
	if c.connecting {
		return nil, errors.New("rtmp: connect: already called on this Conn")
	}
	c.core.clock.began = time.Now()
	c.core.observer = observe.From(ctx)
	c.connecting = true
	if settings.opts.Pipelining == PipelineNone { // handlers need not wait, since Connect is about to return
		close(c.core.events.ready)
	}
	return &connector{opener: opener{core: c.core, settings: settings, announce: !settings.opts.NoEnhanced,
		pipelining: settings.opts.Pipelining}}, nil
}

// use makes k the connection of c. If err, the error of connecting, is not nil, use ends c instead, and also k unless k is nil.
func (c *Conn) use(k *client, err error) (*Call, error) {
	if k != nil {
		if ended := c.core.useSession(k.session); ended != nil {
			k.session.Close()
			err = ended
		}
	}
	if err != nil {
		return nil, c.core.fail(err)
	}
	if lost := k.session.Err(); lost != nil {
		c.core.fail(lost)
	}
	c.client.Store(k)
	if k.opts.Pipelining != PipelineNone {
		close(c.core.events.ready)
	}
	if k.opts.BackgroundRead {
		k.session.StartStanding()
	}
	return k.connectCall, nil
}
