package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

var errConnecting = errors.New("must be set before Connect")

// SetOption sets an option by librtmp's name (live, start, conn, ...) and in librtmp's syntax: durations in milliseconds
// but timeout in seconds and swfAge in days, booleans as 1/on/yes/true and 0/off/no/false. The error is an *OptionError.
func (c *Conn) SetOption(name, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connecting {
		return &OptionError{Name: name, Err: errConnecting}
	}
	return c.setup.set(name, value)
}

// SetupURL replaces the URL, and sets the options that follow it: "rtmp://host/app/play name=value ...". When it fails
// nothing has changed.
func (c *Conn) SetupURL(rawURL string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connecting {
		return &OptionError{Name: "url", Err: errConnecting}
	}
	return c.setup.replace(rawURL)
}

// Connect dials, shakes hands and sends the connect command; it is the first to touch the network. It does not wait for
// the server's answer: that is the Call's Result. But with credentials, MaxRedirects or Pipelining it does, since it may
// have to connect again. It announces Enhanced RTMP or does not, as Options say: Dial alone tries both ways. The error is an *OptionError,
// *HandshakeError or one of ctx; a Conn whose Connect failed is dead.
func (c *Conn) Connect(ctx context.Context) (*Call, error) {
	k, err := c.connector()
	if err != nil {
		return nil, err
	}
	return c.use(k.connect(ctx))
}

// ConnectPacket is Connect with a connect command of the caller's making. Its transaction id is that of p.
func (c *Conn) ConnectPacket(ctx context.Context, p *Packet) (*Call, error) {
	id := 1.0
	if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil {
		id = cmd.TransactionID
	}
	k, err := c.connector()
	if err != nil {
		return nil, err
	}
	k.pipelining = PipelineNone
	return c.use(k.try(ctx, id, session.EncodePacket(p)))
}

// connector returns what makes the connection, and makes sure that there is only one.
func (c *Conn) connector() (*connector, error) {
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
	c.connecting = true
	if settings.opts.Pipelining == PipelineNone { // Connect soon returns, or the server has not accepted it
		close(c.core.events.ready)
	}
	return &connector{opener: opener{core: c.core, settings: settings, announce: !settings.opts.NoEnhanced,
		pipelining: settings.opts.Pipelining}}, nil
}

// use opens the Conn for use with a connection that was made, or ends it, and the connection if there is one.
func (c *Conn) use(k *client, err error) (*Call, error) {
	if k != nil {
		if ended := c.core.begins(k.session); ended != nil {
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
