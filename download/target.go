package download

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// defaultBuffer is rtmpdump's: servers that send ahead send everything.
const defaultBuffer = 10 * time.Hour

// target is what to play.
type target struct {
	url  string // with options behind it
	rtmp *rtmp.Options

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
	_, options, err := rtmpurl.SplitOptions(rawURL)
	if err != nil {
		return nil, err
	}
	t := &target{url: rawURL, rtmp: o, live: o.Live, start: o.Start, stop: o.Stop, buffer: o.Buffer != 0}
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

// connect makes a connection on which nothing is played yet. reconnects says that the server may ask to come back.
func (t *target) connect(ctx context.Context, reconnects bool) (*rtmp.Conn, error) {
	options := *t.rtmp
	if !t.buffer {
		options.Buffer = defaultBuffer
	}
	if reconnects {
		reconnect.Announce(&options)
	}
	return rtmp.Dial(ctx, t.url+" start=0", &options) // StreamOptions.Seek says where to begin
}

// reconnectError says that the server asks for a new connection, and that it may be made.
type reconnectError struct {
	url  string
	rtmp *rtmp.Options
}

func (e *reconnectError) Error() string { return "download: the server asks to reconnect" }

// moved is the target after a request to reconnect.
func (t *target) moved(e *reconnectError) *target {
	moved := *t
	moved.url, moved.rtmp = e.url, e.rtmp
	return &moved
}
