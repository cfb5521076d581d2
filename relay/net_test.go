package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

type network struct {
	mu        sync.Mutex
	listeners map[string]*conntest.Pipes // by host
	silent    atomic.Bool                // what the servers send does not arrive
}

func (n *network) serve(host string, cfg testserver.Config) *testserver.Server {
	l := conntest.NewPipes(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = make(map[string]*conntest.Pipes)
	}
	n.listeners[host] = l
	return testserver.Serve(l, cfg)
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	n.mu.Lock()
	l := n.listeners[host]
	n.mu.Unlock()
	if l == nil {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	if err := l.Hand(ctx, newServed(theirs, &n.silent)); err != nil {
		return nil, err
	}
	return ours, nil
}

func (n *network) options() *rtmp.Options { return &rtmp.Options{DialContext: n.dial} }

// served is a server's end of a connection. Its writes are buffered, unlike net.Pipe's.
type served struct {
	net.Conn
	silent *atomic.Bool
	out    chan []byte
	once   sync.Once
	closed chan struct{}
}

func newServed(nc net.Conn, silent *atomic.Bool) *served {
	c := &served{Conn: nc, silent: silent, out: make(chan []byte, 4096), closed: make(chan struct{})}
	go func() {
		for {
			select {
			case b := <-c.out:
				if !silent.Load() {
					nc.Write(b)
				}
			case <-c.closed:
				return
			}
		}
	}()
	return c
}

func (c *served) Write(b []byte) (int, error) {
	select {
	case c.out <- bytes.Clone(b):
		return len(b), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *served) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func sampleTags(t *testing.T) []flv.Tag {
	t.Helper()
	tags, err := testserver.Tags(testserver.Sample)
	require.NoError(t, err)
	return tags
}

// length is the length of the sample in ms. After that time an encoder begins the sample again.
const length = 10_031

type encoder struct {
	tags  []flv.Tag
	at    int    // index in tags of the next tag
	base  uint32 // timestamp of the first tag, in ms
	began time.Time
}

func newEncoder(t *testing.T) *encoder { return &encoder{tags: sampleTags(t), began: time.Now()} }

func (e *encoder) next() flv.Tag {
	if e.at == len(e.tags) {
		e.at, e.base = 0, e.base+length
	}
	tag := e.tags[e.at]
	e.at++
	tag.Timestamp += e.base
	time.Sleep(time.Until(e.began.Add(time.Duration(tag.Timestamp) * time.Millisecond)))
	return tag
}

func (e *encoder) publish(ctx context.Context, w interface{ WritePacket(*rtmp.Packet) error }) error {
	for ctx.Err() == nil {
		if err := w.WritePacket(packetOf(e.next())); err != nil {
			return err
		}
	}
	return nil
}

type events struct {
	mu   sync.Mutex
	list []Event
}

func (e *events) add(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *events) kinds() (kinds []EventKind) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		kinds = append(kinds, event.Kind)
	}
	e.list = nil
	return kinds
}

type recorder struct {
	mu   sync.Mutex
	tags []flv.Tag
}

func (r *recorder) take(_ *testserver.Session, m *chunk.Message) {
	if !message.Type(m.Type).Media() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags = append(r.tags, flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: append([]byte{}, m.Body()...)})
}

func (r *recorder) taken() []flv.Tag {
	r.mu.Lock()
	defer r.mu.Unlock()
	tags := r.tags
	r.tags = nil
	return tags
}

// describe returns a letter for each of the first tags: data, metadata, headers, key frames, other frames and audio.
func describe(tags []flv.Tag, n int) (text string) {
	for i, tag := range tags {
		if i == n {
			break
		}
		kind, _ := flv.KindOf(tag)
		switch {
		case kind == flv.KindData:
			text += "d"
		case tag.Type == flv.TagScript:
			text += "m"
		case kind == flv.KindHeader && tag.Type == flv.TagVideo:
			text += "v"
		case kind == flv.KindHeader:
			text += "a"
		case kind == flv.KindKeyFrame:
			text += "K"
		case kind == flv.KindFrame:
			text += "f"
		default:
			text += "s"
		}
	}
	return text
}

func ms(n uint32) string { return fmt.Sprint(time.Duration(n) * time.Millisecond) }
