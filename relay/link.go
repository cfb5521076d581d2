package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

type endpoint struct {
	url     string
	options rtmp.Options
}

func endpointOf(m *reconnect.Moved) endpoint { return endpoint{m.URL, *m.Options} }

func (p endpoint) String() string { return rtmpurl.Redact(p.url) }

type link struct {
	conn     *rtmp.Conn
	stream   *rtmp.Stream
	endpoint endpoint
	index    int           // Publisher: the index of the endpoint to which the link leads, or whose server has led it elsewhere
	began    time.Time     // when the server accepted the stream
	first    []rtmp.Packet // read by begin, and not yet by read

	ctx     context.Context // context of all operations on the stream
	cancel  context.CancelCauseFunc
	release func() // unbinds the stream from ctx

	mu    sync.Mutex       // guards the rest
	moved *reconnect.Moved // the server's latest request to reconnect; nil if there was none
	asked func()           // called after each request
}

// open connects and opens the stream. The link ends when ctx is done. dialing bounds only this call. When the server asks to reconnect, asked
// is called, as by onRequest. Before the stream is open, and if asked is nil, the link ends instead.
func open(ctx, dialing context.Context, to endpoint, o *rtmp.StreamOptions, asked func()) (*link, error) {
	l := &link{endpoint: to}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.asked = func() { l.cancel(nil) }
	stop := context.AfterFunc(dialing, func() { l.cancel(context.Cause(dialing)) })
	err := l.open(o)
	if !stop() && err == nil {
		err = dialing.Err()
	}
	if err == nil && asked != nil && l.onRequest(asked) {
		err = l.request()
	}
	if err != nil {
		return nil, l.fail(err)
	}
	l.began = time.Now()
	return l, nil
}

func (l *link) open(o *rtmp.StreamOptions) (err error) {
	l.conn, err = reconnect.Dial(l.ctx, l.endpoint.url, &l.endpoint.options, func(m *reconnect.Moved) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.moved = m
		l.asked()
	})
	if err != nil {
		return err
	}
	if l.stream, err = l.conn.CreateStream(l.ctx, o); err == nil {
		l.release = l.stream.Bind(l.ctx)
	}
	return err
}

// succeed begins to make the next link with open, after wait, at the server to which that of l has asked to reconnect. If that server asks to
// reconnect before open returns, succeed goes there.
func (l *link) succeed(ctx context.Context, wait time.Duration, b Backoff, open func(context.Context, endpoint) (*link, error),
	ready func()) *reconnect.Successor[*link] {
	var request *reconnect.Moved // the latest one of l's server
	var to endpoint
	return reconnect.Succeed(ctx, wait, b.Min, b.Max, func(ctx context.Context) (*link, bool) {
		if latest := l.request(); request == nil || latest.URL != request.URL { // servers repeat requests
			request, to = latest, endpointOf(latest)
		}
		next, err := open(ctx, to)
		if again := (*reconnect.Moved)(nil); errors.As(err, &again) {
			to = endpointOf(again)
		}
		return next, err == nil
	}, ready)
}

// onRequest makes the link call f when the server asks to reconnect, and reports whether it has already done so. f runs on the goroutine
// that reads the connection.
func (l *link) onRequest(f func()) (asked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = f
	return l.moved != nil
}

// request returns the server's latest request to reconnect, or nil.
func (l *link) request() *reconnect.Moved {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moved
}

// begin reads until the stream can be continued with this link.
func (l *link) begin(ctx context.Context, video bool) error {
	defer l.stream.Bind(ctx)()
	return reconnect.Begin(func(tag *flv.Tag) error {
		var pkt rtmp.Packet
		if err := l.stream.ReadPacket(&pkt); err != nil {
			return err
		}
		l.first = append(l.first, pkt)
		*tag = tagOf(&pkt)
		return nil
	}, video)
}

// maxCollected is how many bytes collect reads.
const maxCollected = 4 << 20

// collect reads for the time d, or until ctx is done, so that a loss of the link is noticed.
func (l *link) collect(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	defer l.stream.Bind(ctx)()
	for size := 0; size < maxCollected; {
		var pkt rtmp.Packet
		if err := l.stream.ReadPacket(&pkt); err != nil {
			if ctx.Err() != nil && l.conn.Err() == nil {
				return nil
			}
			return err
		}
		l.first = append(l.first, pkt)
		size += reconnect.TagSize + len(pkt.Body)
	}
	return nil
}

// read reads the next packet of a stream that is played.
func (l *link) read(pkt *rtmp.Packet) error {
	if len(l.first) == 0 {
		return l.stream.ReadPacket(pkt)
	}
	*pkt, l.first = l.first[0], l.first[1:]
	return nil
}

// fail closes the link after err, and returns the *reconnect.Moved if the server has asked to reconnect, and otherwise err.
func (l *link) fail(err error) error {
	if move := l.request(); move != nil {
		err = move
	}
	l.close()
	return err
}

// close sends the written packets and closes the connection. After an error some of them may not have arrived.
func (l *link) close() (err error) {
	if l.conn != nil {
		err = l.conn.Close()
	}
	if l.release != nil {
		l.release()
	}
	l.cancel(nil)
	return err
}

// check returns an error for invalid settings.
func (p endpoint) check() error {
	if _, err := rtmp.New(p.url, &p.options); err != nil {
		return &settingsError{err}
	}
	return nil
}

type settingsError struct{ err error }

func (e *settingsError) Error() string { return e.err.Error() }
func (e *settingsError) Unwrap() error { return e.err }
