package rtmp

import (
	"errors"
	"strconv"

	"github.com/go-librtmp/rtmp/chunk"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

var errNotSupported = errors.New("not supported by this version")

// supported refuses what Options can express and this version does not do yet, rather than connect without it.
func (o *Options) supported(u *rtmpurl.URL) error {
	for _, option := range []struct {
		name string
		set  bool
	}{
		{"swfVfy", o.SWFVerify || len(o.SWFHash) > 0},

		{"Proxy", o.Proxy != "" && o.Proxy != "direct"},
		{"scheme " + u.Scheme, u.Scheme != "rtmp"},
	} {
		if option.set {
			return &OptionError{Name: option.name, Err: errNotSupported}
		}
	}
	switch {
	case o.ObjectEncoding != 0 && o.ObjectEncoding != 3:
		return &OptionError{Name: "ObjectEncoding", Value: strconv.Itoa(o.ObjectEncoding), Err: errors.New("neither 0 nor 3")}
	case o.ChunkSize < 0 || o.ChunkSize > chunk.MaxMessageLength:
		return &OptionError{Name: "ChunkSize", Value: strconv.Itoa(o.ChunkSize), Err: errors.New("not from 1 to 16777215")}
	}
	return nil
}
