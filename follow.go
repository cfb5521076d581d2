package rtmp

import (
	"errors"
	"net/url"
	"strings"

	"github.com/go-librtmp/rtmp/internal/quote"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// ReconnectPolicy says where a server may send its clients by NetConnection.Connect.ReconnectRequest (E-RTMP v2, Reconnect
// Request).
type ReconnectPolicy int

const (
	// FollowSameHost follows to the same host and port only.
	FollowSameHost ReconnectPolicy = iota
	// FollowNone follows nowhere.
	FollowNone
	// FollowAny follows to any host and port, and lets servers, redirects included, lead to the loopback interface and to
	// private networks.
	FollowAny
)

// Follow answers a request to reconnect, which connect must have announced by ExtReconnect in ConnectFields: it returns the
// URL and the options with which New makes the Conn for the place that tcURL names, relative to the present one; "" is the
// present one. The stream's name stays. Nothing happens to c.
//
// A server may not lead to a connection that is less well encrypted; to another host or port only if Options.FollowReconnect
// says so; and without FollowAny not to addresses that are nearer to this machine than its own, such as a public server to
// private, link-local or loopback addresses, which is checked when the new Conn connects, after names were resolved. (A
// proxy, or an HTTPClient, that resolves names is on its own.) What proves to one server who we are goes to no other host
// or port: the user and password of Options and URL, Auth, Token, UsherToken, ConnectData, ConnectFields, the client
// certificates of TLSConfig, what follows a ? in Playpath and Subscribe, and user, password, query and fragment of PageURL
// and SWFURL. A publisher, whose stream's name is a key, goes to another host or port
// only with FollowAny. All of this holds for MaxRedirects too, but that other hosts and ports are allowed there.
//
// It is up to the caller to pause in between, and not to follow for ever.
func (c *Conn) Follow(tcURL string) (rawURL string, o *Options, err error) {
	if !c.started.Load() {
		return "", nil, ErrNotConnected
	}
	extensions, _ := c.opts.ConnectFields.Get("capsEx")
	n, _ := extensions.(float64)
	switch {
	case c.opts.FollowReconnect == FollowNone:
		err = errors.New("the options don't allow it")
	case Extensions(flags(n))&ExtReconnect == 0:
		err = errors.New("it was not announced that this is understood")
	}
	if err == nil && tcURL != "" {
		tcURL, err = c.resolve(tcURL)
	}
	var u *rtmpurl.URL
	if err == nil {
		o = c.opts.clone()
		u, err = c.follow(tcURL, o, o.FollowReconnect == FollowAny)
	}
	if err != nil {
		return "", nil, during("reconnect", err)
	}
	user := ""
	if u.User != "" {
		user = url.UserPassword(u.User, u.Password).String() + "@"
	}
	return u.Scheme + "://" + user + u.Authority() + "/", o, nil
}

// resolve makes a tcUrl absolute that is relative to the present one, but always to the server that we are connected to.
func (c *Conn) resolve(to string) (string, error) {
	base, err := url.Parse(c.tcURL())
	if err != nil {
		return "", invalid(err)
	}
	base.Scheme, base.Host = c.url.Scheme, c.url.Authority()
	absolute, err := base.Parse(to)
	if err != nil {
		return "", invalid(err)
	}
	return absolute.String(), nil
}

// invalid is what url.Parse finds wrong, without the URL, which may hold a token. Its text may still have a long piece of that.
func invalid(err error) error { return errors.New(quote.Text(errors.Unwrap(err).Error(), 200)) }

// follow changes o, the options of c or a copy of them, to those for the place that to names, an absolute tcUrl; "": where
// we are. It returns the URL, which says nothing of a stream. Other hosts and ports are allowed only with others.
func (c *Conn) follow(to string, o *Options, others bool) (*rtmpurl.URL, error) {
	u, tcURL, app := *c.url, c.tcURL(), c.app()
	if to != "" {
		next, err := rtmpurl.Parse(to)
		if err != nil {
			return nil, err
		}
		parsed, err := url.Parse(to)
		if err != nil {
			return nil, invalid(err)
		}
		parsed.User, parsed.Fragment, parsed.RawFragment = nil, "", ""
		u, tcURL, app = *next, parsed.String(), strings.TrimPrefix(parsed.RequestURI(), "/")
	}
	if err := c.url.MayLead(&u, others); err != nil {
		return nil, err
	}
	same := c.url.SameServer(&u)
	if !same && o.publishes() && o.FollowReconnect != FollowAny {
		return nil, errors.New("to another host or port, which would learn the key that is published with")
	}
	if same && u.User == "" {
		u.User, u.Password = c.url.User, c.url.Password
	}
	o.TCURL, o.App, o.Playpath = tcURL, app, c.playpath()
	u.Playpath = ""
	if !same {
		o.forgetSecrets()
	}
	if o.refuse = c.near + 1; o.FollowReconnect == FollowAny {
		o.refuse = 0
	}
	return &u, nil
}

// forgetSecrets takes out what one server has a right to know and others don't.
func (o *Options) forgetSecrets() {
	o.Publish = o.publishes()
	o.PublishUser, o.PublishPassword, o.Auth, o.Token, o.UsherToken = "", "", "", "", ""
	o.ConnectData, o.ConnectFields = nil, nil
	for _, name := range []*string{&o.Playpath, &o.Subscribe} {
		*name, _, _ = strings.Cut(*name, "?")
	}
	for _, page := range []*string{&o.PageURL, &o.SWFURL} {
		*page = bareURL(*page)
	}
	if o.TLSConfig != nil {
		o.TLSConfig = o.TLSConfig.Clone()
		o.TLSConfig.Certificates, o.TLSConfig.GetClientCertificate = nil, nil
	}
}

// bareURL returns the URL of a page without user, password, query and fragment, and nothing of what is no URL.
func bareURL(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}
