package rtmp

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/message"
)

// admission is how a connect gets in where the server says "not like this": with a query that proves who we are,
// or elsewhere. Each time it is a new connection.
type admission struct {
	publisher auth.Publisher
	query     string // appended to app and tcUrl
	redirects int
}

// credentials are those of Options, or of the URL.
func (c *Conn) credentials() (user, password string) {
	if c.opts.PublishUser != "" {
		return c.opts.PublishUser, c.opts.PublishPassword
	}
	return c.url.User, c.url.Password
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

// answerChallenge sends secureTokenResponse when connect's answer holds a challenge and there is a token.
func (k *client) answerChallenge(reply []any) error {
	challenge, found := findValue(reply, "secureToken", 0).(string)
	if !found || k.conn.opts.Token == "" {
		return nil
	}
	response, err := auth.SecureToken(k.conn.opts.Token, challenge)
	if err != nil {
		return &ProtocolError{Phase: "secure token", Err: err}
	}
	return k.session.ReplyCommand(&message.Command{Name: "secureTokenResponse", Args: []any{response}})
}

// findValue finds the first property of that name, however deep, as librtmp does; nil: there is none.
func findValue(values []any, name string, depth int) any {
	if depth > amf.MaxDepth {
		return nil
	}
	for _, value := range values {
		for _, m := range properties(value) {
			if m.Name == name {
				return m.Value
			}
			if found := findValue([]any{m.Value}, name, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

// properties are those of an object of any kind, nil of other values.
func properties(value any) []amf.Property {
	switch o := value.(type) {
	case amf.Object:
		return o
	case amf.ECMAArray:
		return o
	case amf.TypedObject:
		return o.Object
	}
	return nil
}
