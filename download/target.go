package download

import (
	"cmp"
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

const defaultBuffer = 10 * time.Hour

type target struct {
	url  string // the URL, followed by options
	rtmp *rtmp.Options

	live        bool
	start, stop time.Duration
	buffer      bool // the caller has set the buffer
	pipelining  rtmp.Pipelining
}

// newTarget parses rawURL and the options that it needs. rtmp.New checks the other options.
func newTarget(rawURL string, o *rtmp.Options) (*target, error) {
	if _, err := rtmp.New(rawURL, o); err != nil {
		return nil, err
	}
	address, options, err := rtmpurl.SplitOptions(rawURL)
	if err != nil {
		return nil, err
	}
	u, err := rtmp.ParseURL(address)
	if err != nil {
		return nil, err
	}
	name := cmp.Or(o.Playpath, u.Playpath)
	t := &target{url: rawURL, rtmp: o, live: o.Live, start: o.Start, stop: o.Stop, buffer: o.Buffer != 0, pipelining: o.Pipelining}
	for _, option := range options {
		n, _ := strconv.ParseInt(option.Value, 0, 32)
		ms := time.Duration(n) * time.Millisecond
		switch strings.ToLower(option.Name) {
		case "playpath":
			name = cmp.Or(option.Value, name)
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
	if name == "" { // rtmpdump also requires a name
		return nil, &rtmp.OptionError{Name: "playpath", Err: errors.New("the URL names no stream")}
	}
	return t, nil
}

// connect connects, in order to play from a position. See reconnect.Dial for moved.
func (t *target) connect(ctx context.Context, from time.Duration, moved func(*reconnect.Moved)) (*rtmp.Conn, error) {
	options := *t.rtmp
	options.Pipelining = t.pipelining
	if !t.buffer {
		options.Buffer = defaultBuffer
	}
	start := from.Milliseconds() // with pipelining, StreamOptions.Seek would come too late
	if start > math.MaxInt32 {
		start, options.Pipelining = 0, rtmp.PipelineNone // the option can't express this position
	}
	return reconnect.Dial(ctx, t.url+" start="+strconv.FormatInt(start, 10), &options, moved)
}

// reducePipelining reduces the pipelining of the next connection by the number of fallbacks of this one.
func (t *target) reducePipelining(fallbacks int) {
	t.pipelining = max(rtmp.PipelineNone, t.pipelining-rtmp.Pipelining(fallbacks))
}

// moved returns the target to which a request to reconnect leads.
func (t *target) moved(m *reconnect.Moved) *target {
	moved := *t
	moved.url, moved.rtmp = m.URL, m.Options
	return &moved
}
