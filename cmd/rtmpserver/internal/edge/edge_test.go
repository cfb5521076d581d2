package edge

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// TestTarget checks the URL from which a stream is fetched. If a part is missing in Options.Pull, it comes from the stream's path. A name
// must not be able to add options.
func TestTarget(t *testing.T) {
	e := New(Options{ID: "me"})
	defer e.Close()
	for _, test := range []struct{ base, path, app, name string }{
		{"rtmp://h", "live/x", "live", "x"},
		{"rtmp://h/", "live/x", "live", "x"},
		{"rtmp://h/", "live/room/x", "live", "room/x"},
		{"rtmp://h/other", "live/x", "", "x"},
		{"rtmp://h/other/", "live/x", "", "x"},
		{"rtmp://h/other/fixed", "live/x", "", ""},
		{"rtmp://h/other/?key=k", "live/x", "", "x?key=k"},
		{"rtmp://h/other pageUrl=p", "live/x", "", "x"},
		{"rtmp://h/other/", "live/x socks=127.0.0.1:1", "", "x socks=127.0.0.1:1"},
	} {
		require.NoError(t, Check(test.base))
		url, o := e.target(test.base, test.path, []string{"other"})
		assert.Equal(t, test.base, url)
		assert.Equal(t, test.app, o.App, test.base)
		assert.Equal(t, test.name, o.Playpath, test.base)
		via, _ := o.ConnectFields.Get(viaField)
		assert.Equal(t, "me other", via)
		c, err := rtmp.New(url, o)
		require.NoError(t, err)
		c.Close()
	}
	for _, url := range []string{"http://h/", "h", "rtmp://", "rtmp://h/live nonsense=1"} {
		assert.Error(t, Check(url), url)
	}
}

// peer is a server with its Edge.
type peer struct {
	*server.Server
	edge *Edge
	addr string
}

// newPeer starts a server with an Edge. A negative linger ends streams at once.
func newPeer(t *testing.T, o Options, live server.Live) *peer {
	t.Helper()
	p := &peer{Server: &server.Server{Logger: slog.New(slog.DiscardHandler)}}
	o.Server, o.ID, o.Linger, o.Logger = p.Server, rand.Text(), live.Linger, p.Logger
	p.edge = New(o)
	p.Apps = map[string]*server.App{"*": {Live: live,
		Publish:   func(_ context.Context, r *server.Request) error { p.edge.Published(r.Path, r.Conn); return nil },
		Unpublish: func(r *server.Request, _ server.StreamStats) { p.edge.Unpublished(r.Path) },
		Play:      func(_ context.Context, r *server.Request) error { return p.edge.Played(r) },
		Stop:      func(r *server.Request, _ server.StreamStats) { p.edge.Left(r.Path) },
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- p.Serve(l) }()
	t.Cleanup(func() {
		p.Close()
		assert.ErrorIs(t, <-served, server.ErrServerClosed)
		p.edge.Close()
	})
	return p
}

func (p *peer) url(path string) string { return "rtmp://" + p.addr + "/" + path }

// becomes waits until the server has conns connections.
func (p *peer) becomes(t *testing.T, conns int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(p.Conns()) == conns }, patience, 5*time.Millisecond)
}

// publish writes the sample, and keeps the stream open until stop is called.
func publish(t *testing.T, url string) (stop func()) {
	t.Helper()
	c, err := rtmp.Dial(conntest.Context(t), url, &rtmp.Options{Publish: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(conntest.Context(t), &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	_, err = s.Write(testserver.Sample)
	require.NoError(t, err)
	return func() { assert.NoError(t, c.Close()) }
}

// play asks for a stream, and returns a function that waits for a picture.
func play(t *testing.T, url string) (conn *rtmp.Conn, sees func()) {
	t.Helper()
	c, err := rtmp.Dial(conntest.Context(t), url, &rtmp.Options{Live: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	return c, func() {
		t.Helper()
		require.NoError(t, s.SetReadDeadline(time.Now().Add(patience)))
		var packet rtmp.Packet
		for packet.Type != message.TypeVideo {
			require.NoError(t, s.ReadPacket(&packet))
		}
	}
}

// TestPull checks that a stream is fetched once for all players and is kept for a while after the last one has left. It must be fetched
// again later.
func TestPull(t *testing.T) {
	origin := newPeer(t, Options{}, server.Live{})
	e := newPeer(t, Options{Pull: origin.url("live/"), Idle: time.Hour, MaxPulls: 1}, server.Live{PublishIdle: -1})
	publish(t, origin.url("live/x"))
	first, sees := play(t, e.url("live/x"))
	sees()
	_, sees = play(t, e.url("live/x"))
	sees()
	origin.becomes(t, 2)
	connected := origin.Conns()

	c, err := rtmp.Dial(conntest.Context(t), e.url("live/other"), &rtmp.Options{Live: true})
	require.NoError(t, err)
	defer c.Close()
	s, err := c.CreateStream(conntest.Context(t), nil)
	if err == nil {
		_, err = s.Read(make([]byte, 1))
	}
	var refused *rtmp.StatusError
	require.ErrorAs(t, err, &refused, "MaxPulls")

	first.Close()
	e.becomes(t, 2)
	assert.ElementsMatch(t, connected, origin.Conns(), "a player is left")
}

// TestPullAgain checks that a player receives a stream even if it joins while the pull of that stream is ending.
func TestPullAgain(t *testing.T) {
	origin := newPeer(t, Options{}, server.Live{})
	e := newPeer(t, Options{Pull: origin.url(""), Idle: time.Nanosecond, MaxPulls: 1}, server.Live{PublishIdle: -1})
	publish(t, origin.url("live/x"))
	for range 20 {
		c, sees := play(t, e.url("live/x"))
		sees()
		c.Close()
	}
	e.becomes(t, 0)
	origin.becomes(t, 1)
}

// TestPullOfNothing checks that requests for streams that do not exist delay an existing stream only briefly. The edge must try them again
// later.
func TestPullOfNothing(t *testing.T) {
	origin := newPeer(t, Options{}, server.Live{})
	e := newPeer(t, Options{Pull: origin.url("live/"), Idle: time.Nanosecond, MaxPulls: 1}, server.Live{PublishIdle: -1})
	publish(t, origin.url("live/x"))
	_, seesLater := play(t, e.url("live/later"))
	origin.becomes(t, 2)
	viewer, err := e.Subscribe(t.Context(), "live/x", server.SubscribeOptions{})
	require.NoError(t, err)
	defer viewer.Close()
	require.Eventually(t, func() bool { return e.edge.Played(&server.Request{Path: "live/x"}) == nil }, patience, 50*time.Millisecond)
	_, err = viewer.Next(t.Context())
	require.NoError(t, err)
	assert.Error(t, e.edge.Played(&server.Request{Path: "live/other"}), "what there is makes no room")

	viewer.Close()
	e.edge.Left("live/x")
	publish(t, origin.url("live/later"))
	seesLater()
}

// TestPublishedHere checks that a stream that is published here is not fetched until its publisher has left.
func TestPublishedHere(t *testing.T) {
	origin := newPeer(t, Options{}, server.Live{})
	e := newPeer(t, Options{Pull: origin.url("live/"), Idle: time.Millisecond, MaxPulls: 1}, server.Live{PublishIdle: -1, Linger: time.Hour})
	stop := publish(t, e.url("live/x"))
	_, sees := play(t, e.url("live/x"))
	sees()
	assert.Empty(t, origin.Conns())
	stop()
	origin.becomes(t, 1)
	publish(t, origin.url("live/x"))
	require.Eventually(t, func() bool { return e.Stats().Publishers == 1 }, patience, 5*time.Millisecond)
	sees()
}

// TestPush checks that a stream that is published here is pushed while it has a publisher, and a little longer.
func TestPush(t *testing.T) {
	targets := []*peer{newPeer(t, Options{}, server.Live{}), newPeer(t, Options{}, server.Live{})}
	e := newPeer(t, Options{Push: []string{targets[0].url("other"), targets[1].url("")}}, server.Live{Linger: -1, Await: -1})
	for range 2 {
		stop := publish(t, e.url("live/x"))
		for i, path := range []string{"other/x", "live/x"} {
			targets[i].becomes(t, 1)
			c, sees := play(t, targets[i].url(path))
			sees()
			c.Close()
		}
		stop()
		targets[0].becomes(t, 0)
		targets[1].becomes(t, 0)
	}
}

// TestVia checks that a client is refused if its streams have come through this server, or through too many servers.
func TestVia(t *testing.T) {
	p := newPeer(t, Options{}, server.Live{})
	p.Apps["*"].Connect = func(_ context.Context, c *server.Conn) error { return p.edge.Connect(c) }
	id := p.edge.options.ID
	for via, allowed := range map[string]bool{"": true, "a b": true, id: false, "a " + id: false, "a b c d e f g h": true, "a b c d e f g h i": false,
		strings.Repeat("a", maxID): true, strings.Repeat("a", maxID+1): false, strings.Repeat("a ", 10_000): false} {
		c, err := rtmp.Dial(conntest.Context(t), p.url("live/x"), &rtmp.Options{ConnectFields: amf.Object{{Name: viaField, Value: via}}})
		if allowed {
			require.NoError(t, err)
			c.Close()
			continue
		}
		var refused *rtmp.StatusError
		assert.ErrorAs(t, err, &refused)
	}
}

// TestClose checks that a refused publisher leaves no state, and that Close ends pulls and pushes that are waiting.
func TestClose(t *testing.T) {
	nobody := "rtmp://127.0.0.1:" + conntest.UnusedPort(t)
	e := newPeer(t, Options{Pull: nobody, Push: []string{nobody}, MaxPulls: 1, Idle: time.Hour}, server.Live{})
	e.edge.Published("live/x", nil)
	require.NoError(t, e.edge.Played(&server.Request{Path: "live/y"}))
	e.edge.Close()
	assert.Empty(t, e.edge.pulls)
	assert.Empty(t, e.edge.pushes)
	e.edge.Published("live/z", nil)
	require.NoError(t, e.edge.Played(&server.Request{Path: "live/z"}))
	assert.Empty(t, e.edge.pulls)
	assert.Empty(t, e.edge.pushes)
}
