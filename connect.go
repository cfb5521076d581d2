package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

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

// use makes k the connection of c. If Connect has failed with err, it ends c and k, which may be nil, instead.
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
