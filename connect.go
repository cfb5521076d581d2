package rtmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Connect dials, shakes hands and sends the connect command; it is the first to touch the network. It does not wait for
// the server's answer: that is the Call's Result. But with credentials or MaxRedirects it does, since it may have to
// connect again. It announces Enhanced RTMP or does not, as Options say: Dial alone tries both ways. The error is an *OptionError,
// *HandshakeError or one of ctx; a Conn whose Connect failed is dead.
func (c *Conn) Connect(ctx context.Context) (*Call, error) {
	if err := c.beginConnect(); err != nil {
		return nil, err
	}
	var a admission
	for {
		o, err := c.connectMessage(&a)
		if err != nil {
			return c.connected(nil, err)
		}
		k, err := c.connect(ctx, 1, o)
		if err != nil || !c.negotiates() {
			return c.connected(k, err)
		}
		again, err := c.admit(ctx, &a, k)
		if err != nil || !again {
			return c.connected(k, err)
		}
		c.answers = true
		c.giveUp()
	}
}

// connectPatience is how long Dial waits for the answer to a connect that announces Enhanced RTMP, before it tries without.
// go2rtc 1.9 drops a command that holds a strict array, as fourCcList is, and says nothing.
const connectPatience = 3 * time.Second

// errImpatient is connect's while another way to connect is left.
var errImpatient error = &session.TimeoutError{What: "connect"}

// connectResult waits for the server's answer to connect.
func (c *Conn) connectResult(ctx context.Context, k *Call) error {
	limited := ctx
	if limit := c.patience; limit > 0 {
		if t := c.opts.Timeout; t > 0 {
			limit = min(limit, t/2)
		}
		if due, ok := ctx.Deadline(); ok { // the greater part is for the second try, lest a slow server never has it
			limit = min(limit, time.Until(due)/4)
		}
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	_, err := k.Result(limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return errImpatient
	}
	return err
}

// admission is how a connect gets in where the server says "not like this": with a query that proves who we are,
// or elsewhere. Each time it is a new connection.
type admission struct {
	publisher auth.Publisher
	query     string // appended to app and tcUrl
	redirects int
}

// negotiates reports whether Connect has to wait for the server's answer, because it may have to connect again.
func (c *Conn) negotiates() bool {
	user, _ := c.credentials()
	return user != "" || c.opts.MaxRedirects > 0
}

// admit looks at the server's answer to connect. again says to connect once more; an error that there is no use in that.
func (c *Conn) admit(ctx context.Context, a *admission, k *Call) (again bool, err error) {
	err = c.connectResult(ctx, k)
	var refused *StatusError
	if err == nil || !errors.As(err, &refused) {
		return false, err
	}
	if to := redirection(refused); to != "" && c.opts.MaxRedirects > 0 {
		if a.redirects++; a.redirects > c.opts.MaxRedirects {
			return false, during(fmt.Sprintf("connect: redirected more than %d times", c.opts.MaxRedirects), refused)
		}
		return true, c.redirect(a, to)
	}
	user, password := c.credentials()
	if user == "" {
		return false, nil
	}
	if a.publisher.User == "" {
		a.publisher = auth.Publisher{User: user, Password: password, App: c.app()}
	}
	query, again, err := a.publisher.Next(refused.Description)
	if err != nil {
		return false, during("connect", fmt.Errorf("%w: %w", err, refused))
	}
	a.query = query
	return again, nil
}

// redirection is where a refusal sends us, "" if nowhere.
func redirection(refused *StatusError) string {
	info, _ := refused.Info.(amf.Object)
	value, _ := info.Get("ex")
	ex, _ := value.(amf.Object)
	code, _ := ex.Get("code")
	to, _ := ex.Get("redirect")
	if text, ok := to.(string); ok && code == 302.0 {
		return text
	}
	return ""
}

// redirect makes to, a tcUrl, the server to connect to.
func (c *Conn) redirect(a *admission, to string) error {
	u, err := c.follow(to, c.opts, true)
	if err != nil {
		return during("connect: redirect", err)
	}
	c.url, a.query, a.publisher = u, "", auth.Publisher{}
	c.log.Debug("rtmp: redirected", "url", u.Redacted())
	return nil
}

// connectMessage is the connect command that Options and URL describe.
func (c *Conn) connectMessage(a *admission) (chunk.Outgoing, error) {
	object, err := c.connectObject(a.query)
	if err != nil {
		return chunk.Outgoing{}, err
	}
	args := c.opts.ConnectData
	if c.opts.Auth != "" {
		args = append([]any{true, c.opts.Auth}, args...)
	}
	return session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "connect", TransactionID: 1, Object: object, Args: args})
}

// ConnectPacket is Connect with a connect command of the caller's making. Its transaction id is that of p.
func (c *Conn) ConnectPacket(ctx context.Context, p *Packet) (*Call, error) {
	id := 1.0
	if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil {
		id = cmd.TransactionID
	}
	if err := c.beginConnect(); err != nil {
		return nil, err
	}
	k, err := c.connect(ctx, id, session.EncodePacket(p))
	return c.connected(k, err)
}

// beginConnect makes sure that Connect is called once.
func (c *Conn) beginConnect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.opts.validate(); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	if c.connecting {
		return errors.New("rtmp: connect: called a second time")
	}
	c.connecting = true
	c.connItems.end(&c.opts.ConnectData)
	return nil
}

// connect makes a connection and sends connect on it.
func (c *Conn) connect(ctx context.Context, transactionID float64, o chunk.Outgoing) (*Call, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(c.ctx, cancel) // Close ends a Connect under way
	defer stop()
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	call, err := c.session.NewCall("connect", transactionID)
	if err != nil {
		return nil, err
	}
	call.BeforeResult(c.client.connectAccepted)
	c.client.connectCall = call
	c.connectCall = &Call{conn: c, call: call}
	return c.connectCall, c.session.Send(ctx, o)
}

// giveUp ends a connection that the server has refused to use, such that Connect can make another.
func (c *Conn) giveUp() {
	c.mu.Lock()
	s := c.session
	c.session, c.client = nil, nil
	c.mu.Unlock()
	s.Close()
}

// connected opens the Conn for use, or ends it.
func (c *Conn) connected(k *Call, err error) (*Call, error) {
	if err != nil {
		return nil, c.fail(err)
	}
	c.started.Store(true)
	if c.opts.BackgroundRead {
		c.session.StartStanding()
	}
	return k, nil
}

// app is connect's application.
func (c *Conn) app() string {
	if c.opts.App != "" {
		return c.opts.App
	}
	return c.url.App
}

// tcURL is connect's tcUrl.
func (c *Conn) tcURL() string {
	if c.opts.TCURL != "" {
		return c.opts.TCURL
	}
	return c.url.TCURL(c.opts.App)
}

// connectObject is connect's command object, in librtmp's order (RTMP 1.0 section 7.2.1.1). query goes behind app and
// tcUrl.
func (c *Conn) connectObject(query string) (amf.Object, error) {
	o := c.opts
	app, tcURL := c.app()+query, c.tcURL()+query
	object := amf.Object{{Name: "app", Value: app}}
	if o.publishes() {
		object = append(object, amf.Property{Name: "type", Value: "nonprivate"})
	}
	object = append(object, amf.Property{Name: "flashVer", Value: o.flashVer()})
	object = withString(object, "swfUrl", o.SWFURL)
	object = withString(object, "tcUrl", tcURL)
	if !o.publishes() {
		object = append(object,
			amf.Property{Name: "fpad", Value: false},
			amf.Property{Name: "capabilities", Value: 15.0},
			amf.Property{Name: "audioCodecs", Value: 3191.0}, // Adobe's servers filter media by these
			amf.Property{Name: "videoCodecs", Value: 252.0},
			amf.Property{Name: "videoFunction", Value: 1.0})
		object = withString(object, "pageUrl", o.PageURL)
	}
	if o.ObjectEncoding != 0 {
		object = append(object, amf.Property{Name: "objectEncoding", Value: float64(o.ObjectEncoding)})
	}
	if c.announces() {
		object = append(object, enhancedProperties(o.publishes())...)
	}
	for _, p := range o.ConnectFields {
		if i := slices.IndexFunc(object, func(ours amf.Property) bool { return ours.Name == p.Name }); i >= 0 {
			object[i] = p
		} else {
			object = append(object, p)
		}
	}
	return object, nil
}

// announces reports whether connect says that we know Enhanced RTMP.
func (c *Conn) announces() bool { return !c.opts.NoEnhanced && !c.withoutEnhanced }

// publishes reports whether connect is a publisher's.
func (o *Options) publishes() bool { return o.Publish || o.PublishUser != "" }

func (o *Options) flashVer() string {
	switch {
	case o.FlashVer != "":
		return o.FlashVer
	case o.publishes():
		return publisherFlashVer
	}
	return defaultFlashVer
}

// defaultFlashVer is librtmp's.
const defaultFlashVer = "LNX 10,0,32,18"

func withString(o amf.Object, name, value string) amf.Object {
	if value == "" {
		return o
	}
	return append(o, amf.Property{Name: name, Value: value})
}

// ConnectReply is what connect's _result carried: the properties and the information object. It is nil before that.
func (c *Conn) ConnectReply() []any {
	if !c.started.Load() {
		return nil
	}
	return c.connectCall.Reply()
}
