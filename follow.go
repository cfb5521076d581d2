package rtmp

import (
	"errors"
	"net/url"
	"strings"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/transport"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// reconnect implements Conn.Follow. near is the nearness of the server that has sent the request.
func (s settings) reconnect(tcURL string, near transport.Nearness) (rawURL string, o *Options, err error) {
	extensions, _ := s.opts.ConnectFields.Get("capsEx")
	n, _ := extensions.(float64)
	switch {
	case s.opts.FollowReconnect == FollowNone:
		return "", nil, errors.New("the options don't allow it: FollowReconnect is FollowNone")
	case Extensions(flags(n))&ExtReconnect == 0:
		return "", nil, errors.New("ExtReconnect was not announced: set capsEx in ConnectFields")
	}
	if tcURL != "" {
		if tcURL, err = s.resolve(tcURL); err != nil {
			return "", nil, err
		}
	}
	there, err := s.follow(tcURL, near, s.opts.FollowReconnect == FollowAny)
	if err != nil {
		return "", nil, err
	}
	user := ""
	if u := there.url; u.User != "" {
		user = url.UserPassword(u.User, u.Password).String() + "@"
	}
	return there.url.Scheme + "://" + user + there.url.Authority() + "/", there.opts, nil
}

// resolve resolves a tcUrl relative to the present one. The base is always an address on the present server.
func (s settings) resolve(to string) (string, error) {
	base, err := url.Parse(s.tcURL())
	if err != nil {
		return "", invalid(err)
	}
	base.Scheme, base.Host = s.url.Scheme, s.url.Authority()
	absolute, err := base.Parse(to)
	if err != nil {
		return "", invalid(err)
	}
	return absolute.String(), nil
}

// invalid returns the cause of an error of url.Parse. It omits the URL, which may contain a token, and shortens the text, which may quote a
// part of the URL.
func invalid(err error) error { return errors.New(quote.Text(errors.Unwrap(err).Error(), 200)) }

// follow returns the settings for to, an absolute tcUrl; if to is empty, the tcUrl stays the same. The URL of the result names no stream.
// near is the nearness of the server that has named the address. others says whether other hosts and ports are allowed.
func (s settings) follow(to string, near transport.Nearness, others bool) (settings, error) {
	u, tcURL, app := *s.url, s.tcURL(), s.app()
	if to != "" {
		next, err := rtmpurl.Parse(to)
		if err != nil {
			return settings{}, err
		}
		parsed, err := url.Parse(to)
		if err != nil {
			return settings{}, invalid(err)
		}
		parsed.User, parsed.Fragment, parsed.RawFragment = nil, "", ""
		u, tcURL, app = *next, parsed.String(), strings.TrimPrefix(parsed.RequestURI(), "/")
	}
	if err := s.url.CheckFollow(&u, others); err != nil {
		return settings{}, err
	}
	o := s.opts.clone()
	same := s.url.SameServer(&u)
	if !same && o.publishes() && o.FollowReconnect != FollowAny {
		return settings{}, errors.New("refused: another host or port would learn the key of the stream")
	}
	if same && u.User == "" {
		u.User, u.Password = s.url.User, s.url.Password
	}
	o.TCURL, o.App, o.Playpath = tcURL, app, s.playpath()
	u.Playpath = ""
	if !same {
		o.forgetSecrets()
	}
	if o.refuse = near + 1; o.FollowReconnect == FollowAny {
		o.refuse = 0
	}
	return settings{url: &u, opts: o}, nil
}

// forgetSecrets removes what another server must not learn.
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

// bareURL returns the URL of a page without user, password, query and fragment, and "" if page is not a URL.
func bareURL(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}
