package web

import (
	"bytes"
	"context"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/fmp4"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// feeds contains the live streams that have viewers of fragmented MP4. Each stream is muxed once for all of its viewers.
type feeds struct {
	server *server.Server
	hub    *live.Hub // contains a stream for each feed; the messages of the stream are the pieces of the MP4; see tagOf

	mu  sync.Mutex // guards the fields below, and the viewers of each feed
	all map[string]*feed
}

func newFeeds(s *server.Server) *feeds {
	return &feeds{server: s, hub: live.NewHub(live.Config{ChunkSize: flv.MaxBodySize}), all: make(map[string]*feed)}
}

// feed converts a live stream to MP4, until its last viewer leaves, the stream ends, or its codecs change.
type feed struct {
	path    string
	viewers int
	stop    context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended

	ready       chan struct{} // closed when contentType or err is valid
	contentType string
	err         error // why there is no MP4
}

// join makes the caller a viewer of a stream. The caller must call leave.
func (all *feeds) join(ctx context.Context, path string) (*feed, *live.Subscriber, error) {
	for {
		f, sub, err := all.tryJoin(path)
		if sub != nil || err != nil {
			return f, sub, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// tryJoin is like join, but does not wait. If the last viewer of the feed f has just left, it returns f without a Subscriber. f must then
// end before the stream can have another feed.
func (all *feeds) tryJoin(path string) (f *feed, sub *live.Subscriber, err error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	f = all.all[path]
	if f != nil && f.viewers == 0 {
		return f, nil, nil
	}
	if sub, err = all.hub.Subscribe(path, live.PlayOptions{}); err != nil { // before the feed starts, so that it can't end earlier
		return nil, nil, err
	}
	if f == nil {
		ctx, stop := context.WithCancel(context.Background())
		f = &feed{path: path, stop: stop, done: make(chan struct{}), ready: make(chan struct{})}
		all.all[path] = f
		go all.run(ctx, f)
	}
	f.viewers++
	return f, sub, nil
}

func (all *feeds) leave(f *feed, sub *live.Subscriber) {
	sub.Close()
	all.mu.Lock()
	f.viewers--
	last := f.viewers == 0
	all.mu.Unlock()
	if last {
		f.stop()
		<-f.done
	}
}

// run muxes the stream.
func (all *feeds) run(ctx context.Context, f *feed) {
	defer close(f.done)
	pub, err := all.begin(ctx, f)
	all.mu.Lock()
	delete(all.all, f.path) // a viewer that arrives now gets another feed
	switch {
	case pub == nil:
	case err == nil:
		pub.Close()
	default:
		pub.Abandon()
	}
	all.mu.Unlock()
	select {
	case <-f.ready:
	default:
		f.err = err
		close(f.ready)
	}
}

// begin publishes the pieces in the hub until the feed must end. If nothing was published, pub is nil.
func (all *feeds) begin(ctx context.Context, f *feed) (pub *live.Publisher, err error) {
	defer func() {
		if v := recover(); v != nil { // a panic would end the whole server
			err = &message.PanicError{Value: v, Stack: debug.Stack()}
			slog.Error("rtmpserver: a stream cannot be made into MP4", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	sub, err := all.server.Subscribe(ctx, f.path, server.SubscribeOptions{Aside: true})
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	r := media.NewReader(packets{ctx, sub})
	tracks, err := r.Tracks(ctx)
	if err != nil {
		return nil, err
	}
	m, err := fmp4.NewMuxer(tracks, true)
	if err != nil {
		return nil, err
	}
	// The limits of the backlog are the defaults, as for a stream of package server.
	if pub, err = all.hub.Publish(f.path, live.PublishOptions{Policy: live.Policy{PublishIdle: -1, Linger: -1}}); err != nil {
		return nil, err
	}
	f.contentType = m.ContentType()
	close(f.ready)
	return pub, mux(r, m, func(p fmp4.Piece) error { return pub.Write(tagOf(p)) })
}

// packets makes a Subscriber a media.PacketReader.
type packets struct {
	ctx context.Context
	sub *server.Subscriber
}

func (p packets) ReadPacket(to *message.Packet) error {
	m, err := p.sub.Next(p.ctx)
	if err != nil {
		return err
	}
	*to = message.Packet{Type: message.Type(m.Tag.Type), Timestamp: m.Tag.Timestamp, Absolute: true, Body: m.Tag.Body}
	return nil
}

// The hub keeps the messages with which new viewers begin, and with which slow viewers continue. It recognizes these messages by the kinds
// of FLV tags. An initialization segment therefore has the form of a decoder configuration, and a fragment has that of a frame.
var (
	initMark  = []byte{byte(flv.FrameKey)<<4 | byte(flv.VideoAVC), 0, 0, 0, 0}
	keyMark   = []byte{byte(flv.FrameKey)<<4 | byte(flv.VideoAVC), 1, 0, 0, 0}
	otherMark = []byte{byte(flv.FrameInter)<<4 | byte(flv.VideoAVC), 1, 0, 0, 0}
)

func tagOf(p fmp4.Piece) flv.Tag {
	mark := otherMark
	switch {
	case p.Init:
		mark = initMark
	case p.Key:
		mark = keyMark
	}
	return flv.Tag{Type: flv.TagVideo, Body: bytes.Join([][]byte{mark, p.Data}, nil)}
}

// next returns a function for View.Relay that reads the messages of sub.
func next(sub *live.Subscriber) func(ctx context.Context) ([]byte, uint64, error) {
	var batch, rest []*live.Message
	var missed uint64
	return func(ctx context.Context) (piece []byte, n uint64, err error) {
		if len(rest) == 0 {
			clear(batch)
			if batch, err = sub.NextBatch(ctx, batch[:0]); err != nil {
				return nil, 0, err
			}
			rest = batch
		}
		total := sub.Missed()
		n, missed = total-missed, total
		m := rest[0]
		rest = rest[1:]
		return m.Tag().Body[len(initMark):], n, nil
	}
}
