package reconnect

import (
	"context"
	"log/slog"
	"sync"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/message"
)

// Moved is the error of a connection whose server has asked the client to reconnect, with the URL and the options for the next connection.
type Moved struct {
	URL     string
	Options *rtmp.Options
}

func (*Moved) Error() string { return "the server asks to reconnect" }

// Dial is like rtmp.Dial, but calls moved when the server asks the client to reconnect and rtmp.Conn.Follow allows that. A nil moved
// ignores requests. moved may be called before Dial returns, and more than once. It runs on the goroutine that reads the connection, so it
// must neither block nor wait for the server.
func Dial(ctx context.Context, url string, o *rtmp.Options, moved func(*Moved)) (*rtmp.Conn, error) {
	if moved == nil {
		return rtmp.Dial(ctx, url, o)
	}
	r := &requests{moved: moved, log: o.Logger}
	observer := *observe.From(ctx)
	observer.Status = r.status
	options := *o
	announce(&options)
	c, err := rtmp.Dial(observe.With(ctx, &observer), url, &options)
	if err != nil {
		return nil, err
	}
	r.update(func() { r.conn = c })
	return c, nil
}

type requests struct {
	moved func(*Moved)
	log   *slog.Logger // may be nil

	mu   sync.Mutex // guards the rest
	conn *rtmp.Conn // nil until rtmp.Dial has returned
	last *string    // tcUrl of the last request; nil if there was none
}

func (r *requests) status(status *rtmp.StatusError) {
	if tcURL, ok := request(status); ok {
		r.update(func() { r.last = &tcURL })
	}
}

// update calls change with the lock held, and then calls moved if a request has arrived and the connection is known.
func (r *requests) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	if r.conn == nil || r.last == nil {
		return
	}
	url, options, err := r.conn.Follow(*r.last)
	if err == nil {
		r.moved(&Moved{url, options})
	} else if r.log != nil {
		r.log.Debug("rtmp: request to reconnect ignored", "error", err)
	}
}

// extensions are the extensions that package rtmp announces, and ExtReconnect.
const extensions = rtmp.ExtReconnect | rtmp.ExtMultitrack | rtmp.ExtModEx | rtmp.ExtTimestampOffset

// announce makes connect announce support for requests to reconnect, if the options allow following them and do not set capsEx.
func announce(o *rtmp.Options) {
	if _, given := o.ConnectFields.Get("capsEx"); !given && !o.NoEnhanced && o.FollowReconnect != rtmp.FollowNone {
		o.ConnectFields = append(amf.Object{{Name: "capsEx", Value: float64(extensions)}}, o.ConnectFields...)
	}
}

// request reports whether a status is a request to reconnect, and returns the tcUrl to connect to; "" means the present one.
func request(status *rtmp.StatusError) (tcURL string, ok bool) {
	if info, is := status.Info.(amf.Object); is {
		value, _ := info.Get("tcUrl")
		tcURL, _ = value.(string)
	}
	return tcURL, status.Code == message.CodeConnectReconnectRequest
}
