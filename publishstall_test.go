package rtmp

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// breakage is the way in which a network fails.
type breakage string

const (
	stalled breakage = "stalled" // no more bytes arrive, in either direction
	reset   breakage = "reset"
	closed  breakage = "closed" // the server hangs up
	unread  breakage = "unread" // the network works, but the server stops reading
)

// network is an in-memory network, for synctest bubbles. It breaks after the client's socket has accepted a number of bytes.
type network struct {
	how      breakage
	accepted chan net.Conn
	over     chan struct{}
	close    sync.Once

	mu   sync.Mutex
	left int64 // bytes until it breaks
}

func newNetwork(how breakage, at int64) *network {
	return &network{how: how, left: at, accepted: make(chan net.Conn), over: make(chan struct{})}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case nc := <-n.accepted:
		return nc, nil
	case <-n.over:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.close.Do(func() { close(n.over) })
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1935} }

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	if n.pass(0); n.broken() && n.how != stalled {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	client, server := net.Pipe()
	void, _ := net.Pipe()
	select {
	case n.accepted <- server:
		return &brokenConn{Conn: client, void: void, network: n}, nil
	case <-n.over:
		return nil, net.ErrClosed
	}
}

// pass returns how many of size bytes the network carries before it breaks.
func (n *network) pass(size int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	passed := min(n.left, int64(size))
	n.left -= passed
	return int(passed)
}

func (n *network) broken() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.left == 0
}

// brokenConn is the client's end of a connection in a network.
type brokenConn struct {
	net.Conn
	void    net.Conn // a pipe that nobody reads or writes, used in place of the connection after the network has stalled
	network *network

	mu   sync.Mutex
	gone bool
}

func (b *brokenConn) Write(p []byte) (n int, err error) {
	if !b.network.broken() {
		if n, err = b.Conn.Write(p[:b.network.pass(len(p))]); err != nil {
			return n, b.sort("write", err)
		}
	}
	if !b.network.broken() {
		return n, nil
	}
	if b.network.how != stalled {
		b.Conn.Close()
		return n, b.sort("write", io.ErrClosedPipe)
	}
	m, err := b.void.Write(p[n:])
	return n + m, b.sort("write", err)
}

func (b *brokenConn) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if b.network.how == stalled && b.network.broken() && (err == nil || err == io.EOF) {
		n, err = b.void.Read(p)
	}
	return n, b.sort("read", err)
}

func (b *brokenConn) sort(op string, err error) error {
	if !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.gone:
		return net.ErrClosed
	case b.network.how == closed && op == "read":
		return io.EOF
	case b.network.how == closed:
		return &net.OpError{Op: op, Net: "tcp", Err: syscall.EPIPE}
	}
	return &net.OpError{Op: op, Net: "tcp", Err: syscall.ECONNRESET}
}

func (b *brokenConn) SetDeadline(t time.Time) error {
	return errors.Join(b.Conn.SetDeadline(t), b.void.SetDeadline(t))
}

func (b *brokenConn) SetReadDeadline(t time.Time) error {
	return errors.Join(b.Conn.SetReadDeadline(t), b.void.SetReadDeadline(t))
}

func (b *brokenConn) SetWriteDeadline(t time.Time) error {
	return errors.Join(b.Conn.SetWriteDeadline(t), b.void.SetWriteDeadline(t))
}

func (b *brokenConn) Close() error {
	b.mu.Lock()
	b.gone = true
	b.mu.Unlock()
	return errors.Join(b.Conn.Close(), b.void.Close())
}

// slowlyClosed is a connection whose Close takes as long as a test wants.
type slowlyClosed struct {
	net.Conn
	release <-chan struct{}
	over    <-chan struct{} // closed when the test is over
	done    atomic.Bool
}

func (c *slowlyClosed) Close() error {
	select {
	case <-c.release:
	case <-c.over:
	}
	c.done.Store(true)
	return c.Conn.Close()
}

// TestHangingUpDelaysNobody checks that only Conn.Close waits for the last bytes that tunnels and TLS send when they are closed.
func TestHangingUpDelaysNobody(t *testing.T) {
	url := accepting(t, func(p *peer) { io.CopyN(io.Discard, p.Conn, 1) })
	release := make(chan struct{})
	var slow *slowlyClosed
	c, s := publishing(t, url, &Options{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		slow = &slowlyClosed{Conn: nc, release: release, over: t.Context().Done()}
		return slow, err
	}})
	failed := make(chan error, 1)
	go func() { failed <- blocked(s) }()
	select {
	case err := <-failed:
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	case <-conntest.Context(t).Done():
		t.Error("Write waits until the connection has been closed")
	}
	close(release)
	require.ErrorIs(t, c.Close(), io.ErrUnexpectedEOF)
	assert.True(t, slow.done.Load())
}

const publishDeadline = 3 * time.Second

// writes contains the methods that write. WritePacket leaves the writing to another goroutine.
var writes = map[string]func(s *Stream) error{
	"Write":       func(s *Stream) error { _, err := s.Write(large); return err },
	"WritePacket": func(s *Stream) error { return s.WritePacket(&Packet{Type: message.TypeVideo, Body: large}) },
}

type outcome struct {
	err     error
	opened  bool          // err was returned by a write; if false, by Dial or CreateStream
	took    time.Duration // how long the call that returned the error has taken
	closing time.Duration // how long Conn.Close has taken after that
}

func publishUntilItFails(url string, o *Options, way string, deadline time.Duration) (out outcome) {
	var c *Conn
	var s *Stream
	if out.took = elapsed(func() { c, out.err = Dial(context.Background(), url, o) }); out.err != nil {
		return out
	}
	out.took = elapsed(func() { s, out.err = c.CreateStream(context.Background(), &StreamOptions{Writable: true}) })
	out.opened = out.err == nil
	for i := 0; out.err == nil && i < 100; i++ { // until all buffers up to the server are full
		out.took = elapsed(func() {
			s.SetWriteDeadline(time.Now().Add(deadline))
			out.err = writes[way](s)
		})
	}
	out.closing = elapsed(func() { c.Close() })
	return out
}

// requireNetworkError checks the error of a publisher whose network has failed.
func requireNetworkError(t *testing.T, how breakage, err error, at int64) {
	var handshake *HandshakeError
	switch {
	case how == stalled || how == unread:
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "%d", at)
	case !errors.As(err, &handshake):
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d", at)
	}
}

// publishInBubble publishes in a new network. at is the byte at which the network breaks, or the message after which the server stops
// reading.
func publishInBubble(t *testing.T, scheme, way string, how breakage, at int64, o Options) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(how, at)
		over, messages := make(chan struct{}), atomic.Int64{}
		cfg := testserver.Config{Scheme: scheme}
		if how == unread {
			n = newNetwork(how, math.MaxInt64)
			cfg.OnMessage = func(*testserver.Session, *chunk.Message) {
				if messages.Add(1) >= at { // counted over all connections, since Dial may make two
					<-over
				}
			}
		}
		server := testserver.Serve(n, cfg)
		defer server.Close()
		defer close(over)
		o.DialContext = n.dial
		out := publishUntilItFails(server.URL("live", "out"), &o, way, publishDeadline)
		requireNetworkError(t, how, out.err, at)
		limit := 2*o.Timeout + time.Second // opening a stream waits twice: for connecting or sending, and for an answer
		if out.opened {
			limit = publishDeadline
		}
		assert.LessOrEqual(t, out.took, limit, "%s at %d: %v", how, at, out.err)
		assert.LessOrEqual(t, out.closing, time.Second, "%s at %d: %v", how, at, out.err)
	})
}

// breakingPoints returns positions in the bytes that the client's socket accepts, up to the end of the first gathered write.
func breakingPoints() (all []int64) {
	early, late := int64(997), int64(49_999)
	if long() {
		early, late = 3, 997
	}
	for at := int64(0); at < 400_000; at += early {
		if at > 8000 {
			early = late
		}
		all = append(all, at)
	}
	return all
}

// overTransportsInBubbles runs test with each URL scheme and way to write that works in a bubble. WritePacket with TLS does not: while its
// sender writes, crypto/tls holds a lock for which Close waits, and that stops the clock of a bubble.
func overTransportsInBubbles(t *testing.T, test func(t *testing.T, scheme, way string, o Options)) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		now := time.Now() // in a bubble the year is 2000, when the certificate is not valid yet
		o.TLSConfig.Time = func() time.Time { return now }
		o.Timeout = 20 * time.Second
		for way := range writes {
			if way == "WritePacket" && strings.HasSuffix(scheme, "s") {
				continue
			}
			t.Run(way, func(t *testing.T) { test(t, scheme, way, *o) })
		}
	})
}

// TestPublishingNetworkFailsInTime lets the network fail at many positions. Writes, CreateStream and Dial must return an error in time, and
// Close must then return within a second.
func TestPublishingNetworkFailsInTime(t *testing.T) {
	overTransportsInBubbles(t, func(t *testing.T, scheme, way string, o Options) {
		for _, how := range []breakage{stalled, reset, closed} {
			for _, at := range breakingPoints() {
				publishInBubble(t, scheme, way, how, at, o)
			}
		}
	})
}

// TestPublishingServerStopsReading is like TestPublishingNetworkFailsInTime, with a server that stops reading at some message. connect is
// message 1, and the second tag is message 10.
func TestPublishingServerStopsReading(t *testing.T) {
	overTransportsInBubbles(t, func(t *testing.T, scheme, way string, o Options) {
		for at := int64(1); at <= 10; at++ {
			publishInBubble(t, scheme, way, unread, at, o)
		}
	})
}

// TestPublishingSocketFailsOverEveryTransport is like TestPublishingNetworkFailsInTime, with sockets and in real time. The network fails at a
// few positions: while the client opens the stream, and while it writes.
func TestPublishingSocketFailsOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		o.Timeout = 500 * time.Millisecond
		var running sync.WaitGroup
		defer running.Wait()
		try := func(way string, how breakage, at int64) {
			over, messages := make(chan struct{}), atomic.Int64{}
			server, err := testserver.Start(testserver.Config{Scheme: scheme,
				OnMessage: func(*testserver.Session, *chunk.Message) {
					if messages.Add(1) >= at && how == unread { // counted over all connections, since Dial may make two
						<-over
					}
				}})
			require.NoError(t, err)
			defer server.Close()
			defer close(over)
			url := server.URL("live", "out")
			if how != unread {
				addr, end := brokenRelay(t, server.Addr(), at, how == reset)
				defer end()
				url = scheme + "://" + addr + "/live/out"
			}
			failure := publishUntilItFails(url, o, way, 300*time.Millisecond).err
			if how == reset { // tunnels connect again to a server that does not answer
				assert.True(t, isDocumented(failure), "%s at %d: %v", how, at, failure)
			} else {
				requireNetworkError(t, how, failure, at)
			}
		}
		for how, points := range map[breakage][]int64{stalled: {1000, 5000, 30_000}, reset: {1000, 5000, 30_000}, unread: {1, 6, 10}} {
			for _, at := range points {
				for way := range writes {
					running.Go(func() { try(way, how, at) })
				}
			}
		}
	})
}
