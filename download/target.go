package download

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

const defaultBuffer = 10 * time.Hour

type target struct {
	url     string       // without options
	options rtmp.Options // including those that follow the caller's URL
}

// newTarget parses rawURL and the options that follow it.
func newTarget(rawURL string, o *rtmp.Options) (*target, error) {
	conn, err := rtmp.New(rawURL, o)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	t := &target{options: *conn.Options()}
	t.url, _, _ = strings.Cut(rawURL, " ")
	if t.options.Playpath == "" { // rtmpdump also requires a name
		return nil, &rtmp.OptionError{Name: "playpath", Err: errors.New("the URL names no stream")}
	}
	return t, nil
}

// connect connects, in order to play from a position. See reconnect.Dial for moved.
func (t *target) connect(ctx context.Context, from time.Duration, moved func(*reconnect.Moved)) (*rtmp.Conn, error) {
	options := t.options
	options.Buffer = cmp.Or(options.Buffer, defaultBuffer)
	options.Start = from // with pipelining, StreamOptions.Seek would come too late
	return reconnect.Dial(ctx, t.url, &options, moved)
}

// reducePipelining reduces the pipelining of the next connection by the number of fallbacks of this one.
func (t *target) reducePipelining(fallbacks int) {
	t.options.Pipelining = max(rtmp.PipelineNone, t.options.Pipelining-rtmp.Pipelining(fallbacks))
}

// moved returns the target to which a request to reconnect leads.
func (t *target) moved(m *reconnect.Moved) *target {
	moved := target{m.URL, *m.Options}
	moved.options.Start = t.options.Start // that of m is where the last session began
	moved.options.Pipelining = t.options.Pipelining
	return &moved
}
