package download

import (
	"context"
	neturl "net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// defaultBuffer is rtmpdump's: servers that send ahead send everything.
const defaultBuffer = 10 * time.Hour

// target is what to play: a URL and the options behind it.
type target struct {
	url     string
	options []rtmpurl.Option

	live        bool
	start, stop time.Duration
	buffer      bool // is given
}

// newTarget takes rawURL apart, and looks at those options that matter here. That all are well-formed is seen to by
// rtmp.New.
func newTarget(rawURL string, o *rtmp.Options) (*target, error) {
	if _, err := rtmp.New(rawURL, o); err != nil {
		return nil, err
	}
	base, options, err := rtmpurl.SplitOptions(rawURL)
	if err != nil {
		return nil, err
	}
	t := &target{url: base, options: options, live: o.Live, start: o.Start, stop: o.Stop, buffer: o.Buffer != 0}
	for _, option := range options {
		n, _ := strconv.ParseInt(option.Value, 0, 32)
		ms := time.Duration(n) * time.Millisecond
		switch strings.ToLower(option.Name) {
		case "live":
			value := strings.ToLower(option.Value)
			t.live = value == "1" || value == "on" || value == "yes" || value == "true"
		case "start":
			t.start = ms
		case "stop":
			t.stop = ms
		case "buffer":
			t.buffer = ms != 0
		}
	}
	return t, nil
}

// connect makes a connection on which nothing is played yet.
func (t *target) connect(ctx context.Context, o *Options) (*rtmp.Conn, error) {
	options := *o.RTMP
	if !t.buffer {
		options.Buffer = defaultBuffer
	}
	if !options.NoEnhanced {
		options.ConnectFields = append(amf.Object{{Name: "capsEx", Value: float64(extensions)}}, options.ConnectFields...)
	}
	conn, err := rtmp.New(t.url, &options)
	if err != nil {
		return nil, err
	}
	for _, option := range append(t.options[:len(t.options):len(t.options)], rtmpurl.Option{Name: "start", Value: "0"}) {
		if err := conn.SetOption(option.Name, option.Value); err != nil {
			return nil, err
		}
	}
	call, err := conn.Connect(ctx)
	if err == nil {
		_, err = call.Result(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// extensions are those of the session, and coming back when the server asks for it.
const extensions = rtmp.ExtReconnect | rtmp.ExtMultitrack | rtmp.ExtModEx | rtmp.ExtTimestampOffset

// reconnectRequest is how a server asks its clients to come back, there or elsewhere (Enhanced RTMP).
const reconnectRequest = "NetConnection.Connect.ReconnectRequest"

// reconnectError says that the server asks for a new connection.
type reconnectError struct{ tcURL string }

func (e *reconnectError) Error() string { return "download: the server asks to reconnect" }

func newTCURL(info any) string {
	if o, ok := info.(amf.Object); ok {
		value, _ := o.Get("tcUrl")
		s, _ := value.(string)
		return s
	}
	return ""
}

// moved is the target behind a new tcUrl, which is relative to the old one. A server may not make the connection less
// safe than it is: then, or if the address can't be used, it stays as it is.
func (t *target) moved(tcURL string, o *rtmp.Options) *target {
	u, err := rtmp.ParseURL(t.url)
	if err != nil || tcURL == "" {
		return t
	}
	app, playpath, old := o.App, o.Playpath, o.TCURL
	for _, option := range t.options {
		switch strings.ToLower(option.Name) {
		case "app":
			app = option.Value
		case "playpath":
			playpath = option.Value
		case "tcurl":
			old = option.Value
		}
	}
	if playpath == "" {
		playpath = u.Playpath
	}
	if old == "" {
		old = u.TCURL(app)
	}
	base, err := neturl.Parse(old)
	if err != nil {
		return t
	}
	next, err := base.Parse(tcURL)
	if err != nil || next.Host == "" || safety(next.Scheme) < safety(u.Scheme) {
		return t
	}
	moved := *t
	moved.url = next.Scheme + "://" + next.Host + "/"
	app = strings.TrimPrefix(next.RequestURI(), "/")
	moved.options = append(t.options[:len(t.options):len(t.options)], rtmpurl.Option{Name: "app", Value: app},
		rtmpurl.Option{Name: "playpath", Value: playpath}, rtmpurl.Option{Name: "tcUrl", Value: next.String()})
	if _, err := rtmp.New(moved.url, nil); err != nil {
		return t
	}
	return &moved
}

// safety orders schemes by how well they protect.
func safety(scheme string) int {
	switch strings.ToLower(scheme) {
	case "rtmps", "rtmpts":
		return 2
	case "rtmpe", "rtmpte":
		return 1
	}
	return 0
}
