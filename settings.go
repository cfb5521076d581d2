package rtmp

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/secret"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// settings says where and how a Conn connects. After connecting has begun, neither the settings nor the values that they point to change; a
// redirect makes new settings.
type settings struct {
	url  *rtmpurl.URL
	opts *Options // a copy of the program's Options, with defaults filled in
}

// app returns connect's app.
func (s settings) app() string { return cmp.Or(s.opts.App, s.url.App) }

// tcURL returns connect's tcUrl.
func (s settings) tcURL() string { return cmp.Or(s.opts.TCURL, s.url.TCURL(s.opts.App)) }

// playpath returns the stream name of Options or the URL.
func (s settings) playpath() string { return cmp.Or(s.opts.Playpath, s.url.Playpath) }

// credentials returns the user and password of Options or the URL.
func (s settings) credentials() (user, password string) {
	if s.opts.PublishUser != "" {
		return s.opts.PublishUser, s.opts.PublishPassword
	}
	return s.url.User, s.url.Password
}

// boundedTimeout returns Options.Timeout, or the default if there is no limit.
func (s settings) boundedTimeout() time.Duration {
	if t := s.opts.Timeout; t > 0 {
		return t
	}
	return defaultTimeout
}

// withPatience bounds a wait for an answer. It is for waits after which the client can connect in another way if no answer has arrived.
func (s settings) withPatience(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.patient(ctx, limit))
}

// patient returns how long the wait of withPatience may take. The result is at most limit.
func (s settings) patient(ctx context.Context, limit time.Duration) time.Duration {
	if t := s.opts.Timeout; t > 0 {
		limit = min(limit, t/2)
	}
	if due, ok := ctx.Deadline(); ok { // leave most of the time for the second try, which a slow server needs
		limit = min(limit, time.Until(due)/4)
	}
	return limit
}

// connectMessage returns the connect command. query is appended to app and tcUrl; announce says to announce Enhanced RTMP.
func (s settings) connectMessage(query string, announce bool) (chunk.Outgoing, error) {
	args := s.opts.ConnectData
	if s.opts.Auth != "" {
		args = append([]any{true, s.opts.Auth}, args...)
	}
	return session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "connect", TransactionID: 1,
		Object: s.connectObject(query, announce), Args: args})
}

// connectObject returns connect's command object, in librtmp's order (RTMP 1.0 section 7.2.1.1).
func (s settings) connectObject(query string, announce bool) amf.Object {
	o := s.opts
	object := append(make(amf.Object, 0, 16), amf.Property{Name: "app", Value: s.app() + query})
	if o.publishes() {
		object = append(object, amf.Property{Name: "type", Value: "nonprivate"})
	}
	object = append(object, amf.Property{Name: "flashVer", Value: o.flashVer()})
	object = withString(object, "swfUrl", o.SWFURL)
	object = withString(object, "tcUrl", s.tcURL()+query)
	if !o.publishes() {
		object = append(object,
			amf.Property{Name: "fpad", Value: false},
			amf.Property{Name: "capabilities", Value: 15.0},
			amf.Property{Name: "audioCodecs", Value: 3191.0}, // Adobe's servers select media by these codecs
			amf.Property{Name: "videoCodecs", Value: 252.0},
			amf.Property{Name: "videoFunction", Value: 1.0})
		object = withString(object, "pageUrl", o.PageURL)
	}
	if o.ObjectEncoding != 0 {
		object = append(object, amf.Property{Name: "objectEncoding", Value: float64(o.ObjectEncoding)})
	}
	switch {
	case announce && o.publishes():
		object = append(object, publisherEnhanced...)
	case announce:
		object = append(object, playerEnhanced...)
	}
	for _, p := range o.ConnectFields {
		if i := slices.IndexFunc(object, func(ours amf.Property) bool { return ours.Name == p.Name }); i >= 0 {
			object[i] = p
		} else {
			object = append(object, p)
		}
	}
	return object
}

func withString(o amf.Object, name, value string) amf.Object {
	if value == "" {
		return o
	}
	return append(o, amf.Property{Name: name, Value: value})
}

// dialer returns a dialer that refuses addresses that are as near as refuse, or nearer.
func (s settings) dialer(refuse transport.Nearness) (*transport.Dialer, error) {
	return transport.NewDialer(transport.Config{Refuse: refuse,
		Proxy: s.opts.Proxy, DialContext: s.opts.DialContext, TLSConfig: s.opts.TLSConfig, HTTPClient: s.opts.HTTPClient})
}

// secrets returns the texts in s that only the server may learn.
func (s settings) secrets() []string {
	_, password := s.credentials()
	secrets := []string{password, s.opts.Auth, s.opts.Token, s.opts.UsherToken}
	for _, named := range []string{s.app(), s.tcURL(), s.opts.Subscribe} {
		secrets = append(secrets, secret.InName(named, false)...)
	}
	secrets = append(secrets, secret.InName(s.playpath(), s.opts.publishes())...)
	secrets = appendTexts(secrets, s.opts.ConnectData)
	return appendTexts(secrets, s.opts.ConnectFields)
}

// appendTexts appends the strings in a value of connect. They are often tickets.
func appendTexts(texts []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(texts, v)
	case []any:
		for _, element := range v {
			texts = appendTexts(texts, element)
		}
	}
	for _, member := range amf.Members(value) {
		texts = appendTexts(texts, member.Value)
	}
	return texts
}
