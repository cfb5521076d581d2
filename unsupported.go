package rtmp

import (
	"errors"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

var errNotSupported = errors.New("not supported by this version")

// supported refuses what Options can express and this version does not do yet, rather than connect without it.
func (o *Options) supported(u *rtmpurl.URL) error {
	for _, option := range []struct {
		name string
		set  bool
	}{
		{"token", o.Token != ""},
		{"swfVfy", o.SWFVerify || len(o.SWFHash) > 0},
		{"pubUser", o.PublishUser != ""},

		{"Proxy", o.Proxy != "" && o.Proxy != "direct"},
		{"scheme " + u.Scheme, u.Scheme != "rtmp"},
		{"objectEncoding", o.ObjectEncoding != 0},
		{"MaxRedirects", o.MaxRedirects != 0},
	} {
		if option.set {
			return &OptionError{Name: option.name, Err: errNotSupported}
		}
	}
	return nil
}
