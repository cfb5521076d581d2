package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// notes records the hooks that have been called.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.lines...)
}

// noting returns an App that records the calls of all its hooks.
func noting(n *notes) *server.App {
	return &server.App{
		Connect:    func(ctx context.Context, c *server.Conn) error { n.add("connect " + c.App()); return nil },
		Connected:  func(c *server.Conn) { n.add("connected") },
		Disconnect: func(c *server.Conn, err error) { n.add("disconnect") },
		Publish:    func(ctx context.Context, r *server.Request) error { n.add("publish " + r.Path); return nil },
		Unpublish:  func(r *server.Request, st server.StreamStats) { n.add("unpublish " + r.Path) },
		Play:       func(ctx context.Context, r *server.Request) error { n.add("play " + r.Path); return nil },
		Stop:       func(r *server.Request, st server.StreamStats) { n.add("stop " + r.Path) },
	}
}

func TestHooksInOrder(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(c *rtmp.Conn, s *rtmp.Stream)
	}{
		{"the stream is closed", func(c *rtmp.Conn, s *rtmp.Stream) { s.Close(); c.Close() }},
		{"the client leaves", func(c *rtmp.Conn, s *rtmp.Stream) { c.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var n notes
			addr := app(t, noting(&n))
			c, s := publish(t, "rtmp://"+addr+"/live/room/x?key=1")
			write(t, s, sample(t)[:20])
			test.leave(c, s)
			eventually(t, "disconnect", func() bool { return len(n.all()) == 5 })
			assert.Equal(t, []string{"connect live/room", "connected", "publish live/room/x", "unpublish live/room/x", "disconnect"}, n.all())
			c, s = play(t, "rtmp://"+addr+"/live/room/x")
			test.leave(c, s)
			eventually(t, "disconnect", func() bool { return len(n.all()) == 10 })
			assert.Equal(t, []string{"connect live/room", "connected", "play live/room/x", "stop live/room/x", "disconnect"}, n.all()[5:])
		})
	}
}

// TestRefusals checks every way to refuse a request, and the answer that the client receives.
func TestRefusals(t *testing.T) {
	refuse := func(err error) func(context.Context, *server.Request) error {
		return func(context.Context, *server.Request) error { return err }
	}
	plain := errors.New("the database of keys is at 10.0.0.7")
	for _, test := range []struct {
		name string
		app  *server.App
		code string
		text string
	}{
		{"connect denied", &server.App{Connect: func(context.Context, *server.Conn) error { return server.Deny("not %s", "today") }},
			message.CodeConnectRejected, "not today"},
		{"connect refused with a code", &server.App{Connect: func(context.Context, *server.Conn) error {
			return &server.Refusal{Code: message.CodeConnectInvalidApp, Description: "moved"}
		}}, message.CodeConnectInvalidApp, "moved"},
		{"connect failed", &server.App{Connect: func(context.Context, *server.Conn) error { return plain }}, message.CodeConnectRejected, "refused"},
		{"publish denied", &server.App{Publish: refuse(server.Deny("unknown key"))}, message.CodePublishDenied, "unknown key"},
		{"publish failed", &server.App{Publish: refuse(plain)}, message.CodePublishDenied, "refused"},
		{"publish refused with a code", &server.App{Publish: refuse(&server.Refusal{Code: message.CodePublishRejected, Description: "full"})},
			message.CodePublishRejected, "full"},
		{"publish refused without a word", &server.App{Publish: refuse(&server.Refusal{})}, message.CodePublishDenied, "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := "rtmp://" + app(t, test.app) + "/live/x"
			c, err := rtmp.Dial(background(t), url, &rtmp.Options{Publish: true})
			if err == nil {
				defer c.Close()
				_, err = c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
			}
			var refused *rtmp.StatusError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.code, refused.Code)
			assert.Equal(t, test.text, refused.Description)
			assert.NotContains(t, err.Error(), "10.0.0.7")
		})
	}
}

func TestPlayIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		text string
	}{
		"denied":              {server.Deny("members only"), "members only"},
		"redirected too late": {server.Redirect("rtmp://elsewhere/live"), "RTMP 302 Redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			url := "rtmp://" + app(t, &server.App{Play: func(context.Context, *server.Request) error { return test.err }}) + "/live/x"
			c := dial(t, url, &rtmp.Options{Live: true, MaxRedirects: 1})
			_, err := c.CreateStream(background(t), nil)
			var refused *rtmp.StatusError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, message.CodePlayFailed, refused.Code)
			assert.Equal(t, test.text, refused.Description)
		})
	}
}

func TestRedirect(t *testing.T) {
	there := app(t, &server.App{})
	here := app(t, &server.App{Connect: func(context.Context, *server.Conn) error { return server.Redirect("rtmp://" + there + "/live") }})
	c := dial(t, "rtmp://"+here+"/live/x", &rtmp.Options{MaxRedirects: 1, Live: true})
	assert.Equal(t, there, c.RemoteAddr().String())
}

func TestUnknownApplication(t *testing.T) {
	addr := start(t, &server.Server{Apps: map[string]*server.App{"live": {}}})
	p := newPeer(t, addr)
	p.connect("live/room")
	p.alive()
	p = newPeer(t, addr)
	cmd := p.connect("dead")
	assert.Equal(t, "_error", cmd.Name)
	assert.Equal(t, message.CodeConnectInvalidApp, message.ParseStatus(cmd.Args).Code)
	p.UntilGone()
}

// TestRequest checks that the publisher's token does not become part of the name.
func TestRequest(t *testing.T) {
	asked := make(chan *server.Request, 1)
	addr := app(t, &server.App{Publish: func(_ context.Context, r *server.Request) error {
		asked <- r
		r.Path = "live/alice"
		return nil
	}})
	p := newPeer(t, addr)
	p.connect("live/_definst_?a=app&b=app&c=app", amf.Property{Name: "tcUrl", Value: "rtmp://h/live?b=tc&c=tc"})
	id := p.CreateStream()
	p.command(id, "publish", 3, nil, "mp4:secret?c=name&c=again", "append")
	p.UntilCode(message.CodePublishStart)
	r := waitFor(t, "the request", asked)
	assert.Equal(t, "secret", r.Name)
	assert.Equal(t, url.Values{"a": {"app"}, "b": {"tc"}, "c": {"name"}}, r.Query)
	assert.Equal(t, "append", r.Kind)
	assert.Equal(t, "rtmp", r.Transport)
	assert.Equal(t, id, r.StreamID)
	assert.Equal(t, r.Conn.RemoteAddr(), r.RemoteAddr)
	assert.Equal(t, p.Conn.LocalAddr().String(), r.RemoteAddr.String())
	assert.Equal(t, "live", r.Conn.App())
	assert.Equal(t, []*server.Request{r}, r.Conn.Streams())
	_, s := play(t, "rtmp://"+addr+"/live/alice") // players find the stream at the path that the hook has set
	all := media(sample(t))[:3]
	for _, tag := range all {
		p.media(message.Type(tag.Type), id, tag.Timestamp, tag.Body)
	}
	assert.Equal(t, all, receive(t, s, 3))
}

// TestConnectMayWait checks that App.Connect may take longer than SetupTimeout, and that the client is served meanwhile.
func TestConnectMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 200 * time.Millisecond
		s := &server.Server{SetupTimeout: limit, Apps: map[string]*server.App{"*": {
			Connect: func(ctx context.Context, c *server.Conn) error {
				time.Sleep(2 * limit)
				return nil
			}}}}
		defer s.Close()
		p, done := piped(t, s)
		p.command(0, "connect", 1, amf.Object{{Name: "app", Value: "x"}})
		ping := message.AppendUserControl(nil, message.EventPingRequest, 42)
		p.Control(message.TypeUserControl, ping)
		m, err := p.Read()
		require.NoError(t, err)
		assert.Equal(t, message.TypeUserControl, m.Type, "a ping is answered meanwhile")
		assert.Equal(t, "_result", p.answer("_result").Name)
		p.Conn.Close()
		<-done
	})
}

// TestPanicInAHook checks that a panic in a hook ends its connection, and no other.
func TestPanicInAHook(t *testing.T) {
	disconnected := make(chan error, 1)
	addr := app(t, &server.App{
		Methods: map[string]server.Method{"boom": func(context.Context, *server.Conn, []any) (any, error) { panic("boom") }},
		Disconnect: func(c *server.Conn, err error) {
			select {
			case disconnected <- err:
			default:
			}
		},
	})
	other := newPeer(t, addr)
	other.connect("x")
	p := newPeer(t, addr)
	p.connect("x")
	p.command(0, "boom", 5, nil)
	p.UntilGone()
	assert.ErrorContains(t, waitFor(t, "Disconnect", disconnected), "panic: boom")
	other.alive()
}

func TestPanicInFilters(t *testing.T) {
	for name, a := range map[string]*server.App{
		"Media":  {Media: func(*server.Request, *message.Packet) bool { panic("boom") }},
		"Packet": {Packet: func(_ *server.Conn, p *message.Packet) (bool, error) { panic("boom") }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, app(t, a))
			p.command(0, "connect", 1, amf.Object{{Name: "app", Value: "x"}})
			if name == "Media" {
				p.command(0, "createStream", 2, nil)
				p.command(1, "publish", 3, nil, "x", "live")
				p.media(message.TypeAudio, 1, 0, []byte{0xaf, 1, 2})
			}
			p.UntilGone()
		})
	}
}

// TestPanicInFilesName checks that a panic in Files.Name, for the first file or for the second, ends the recording but not the program.
func TestPanicInFilesName(t *testing.T) {
	for name, calls := range map[string]int{"first": 0, "second": 1} {
		t.Run(name, func(t *testing.T) {
			f, done := recording(t, &server.Files{Record: server.RecordAll, MaxSize: 1000})
			f.Name = func(*server.Request, time.Time) string {
				if calls == 0 {
					panic("boom")
				}
				calls--
				return "a"
			}
			_, s := publish(t, "rtmp://"+app(t, &server.App{Files: f})+"/live/x")
			write(t, s, sample(t))
			d := waitFor(t, "Done", done)
			if d.file != "" {
				d = waitFor(t, "Done of the second file", done)
			}
			assert.Empty(t, d.file)
			assert.ErrorContains(t, d.err, "name")
			assert.NoError(t, s.Close(), "a live stream goes on without its recording")
		})
	}
}

// TestPanicInDone checks that a panic in Files.Done for a file that could not be begun ends the publication, so that its name is free.
func TestPanicInDone(t *testing.T) {
	f := &server.Files{Dir: t.TempDir(), Record: server.RecordAll, MinFree: math.MaxInt64}
	f.Done = func(r *server.Request, file string, err error) {
		if r.Query.Has("boom") {
			panic("boom")
		}
	}
	addr := app(t, &server.App{Files: f})
	c, s := publish(t, "rtmp://"+addr+"/live/x?boom")
	_, err := io.Copy(io.Discard, s)
	assert.Error(t, err, "the connection has ended")
	c.Close()
	eventually(t, "the name is free", func() bool {
		c := dial(t, "rtmp://"+addr+"/live/x", &rtmp.Options{Publish: true})
		defer c.Close()
		_, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
		return err == nil
	})
}

// TestPanicInDoneOfEveryFile checks that after a panic in Files.Done the hook is still called for the other files, and Unpublish is called.
func TestPanicInDoneOfEveryFile(t *testing.T) {
	f, _ := recording(t, &server.Files{Record: server.RecordAll, MaxDuration: time.Millisecond})
	began, release := make(chan struct{}), make(chan struct{})
	files, unpublished := make(chan string, 100), make(chan struct{})
	f.Done = func(_ *server.Request, file string, _ error) {
		files <- filepath.Base(file)
		panic("boom")
	}
	a := &server.App{Files: f, Unpublish: func(*server.Request, server.StreamStats) { close(unpublished) }}
	a.Methods = map[string]server.Method{"wait": func(context.Context, *server.Conn, []any) (any, error) { // all files are reported after it
		close(began)
		<-release
		return nil, nil
	}}
	c, s := publish(t, "rtmp://"+app(t, a)+"/live/x")
	_, err := c.Call(background(t), "wait", nil)
	require.NoError(t, err)
	waitFor(t, "the call", began)
	for i := range uint32(3) {
		require.NoError(t, s.WritePacket(&message.Packet{Type: message.TypeAudio, Timestamp: 100 * i, Body: []byte{0xaf, 1, 0}}))
	}
	eventually(t, "three files", func() bool {
		names, _ := filepath.Glob(filepath.Join(f.Dir, "live", "*.flv"))
		return len(names) == 3
	})
	close(release)
	c.Close()
	waitFor(t, "Unpublish", unpublished)
	assert.Len(t, files, 3)
}

// breaking is a connection whose Read panics once armed. It simulates a bug in the code that reads.
type breaking struct {
	net.Conn
	armed *atomic.Bool
}

func (b breaking) Read(p []byte) (int, error) {
	if b.armed.Load() {
		panic("boom")
	}
	return b.Conn.Read(p)
}

// TestPanicOfTheReader checks that a panic on the goroutine that reads a connection ends that connection, but not the program.
func TestPanicOfTheReader(t *testing.T) {
	s := &server.Server{Logger: slog.New(slog.DiscardHandler)}
	defer s.Close()
	a, b := conntest.Pair(t)
	var armed atomic.Bool
	done := make(chan error, 1)
	go func() { done <- s.ServeConn(context.Background(), breaking{b, &armed}) }()
	p := peerOn(t, a)
	p.connect("x")
	armed.Store(true)
	p.command(0, "noSuchMethod", 77, nil) // ends the Read in progress
	var panicked *message.PanicError
	require.ErrorAs(t, waitFor(t, "the end", done), &panicked)
	assert.Equal(t, "boom", panicked.Value)
	p.UntilGone()
}

// TestMediaBeforeThePublishHookReturns checks that media that arrives before the hook has returned is kept until then.
func TestMediaBeforeThePublishHookReturns(t *testing.T) {
	release := make(chan struct{})
	addr := app(t, &server.App{Publish: func(ctx context.Context, r *server.Request) error { <-release; return nil }})
	_, s := play(t, "rtmp://"+addr+"/live/x")
	p := newPeer(t, addr)
	p.connect("live")
	id := p.CreateStream()
	p.command(id, "publish", 3, nil, "x", "live")
	all := media(sample(t))[:40]
	for _, tag := range all {
		p.media(message.Type(tag.Type), id, tag.Timestamp, tag.Body)
	}
	close(release)
	assert.Equal(t, all, receive(t, s, len(all)))
}

// TestMediaBeforeThePublishHookIsBounded checks that the server stops reading if a client sends too much before the hook has returned.
// A Call in the hook must then fail at once.
func TestMediaBeforeThePublishHookIsBounded(t *testing.T) {
	failed := make(chan error, 1)
	addr := start(t, &server.Server{MaxMessageSize: 1 << 20, Apps: map[string]*server.App{"*": {Publish: func(ctx context.Context, r *server.Request) error {
		k, err := r.Conn.Call(ctx, "whoAreYou")
		if err == nil {
			_, err = k.Result(ctx)
		}
		failed <- err
		return nil
	}}}})
	p := newPeer(t, addr)
	p.connect("live")
	id := p.CreateStream()
	p.command(id, "publish", 3, nil, "x", "live")
	body := make([]byte, 100<<10)
	body[0] = 0xaf
	go func() { // more than the queue and all system buffers hold
		for i := range 200 {
			b := p.Encode(chunk.Outgoing{Type: 8, ChunkStreamID: 4, StreamID: id, Timestamp: uint32(i), Body: body})
			if _, err := p.Conn.Write(b); err != nil {
				return
			}
		}
	}()
	assert.ErrorContains(t, waitFor(t, "the error", failed), "too much unread media")
	p.UntilCode(message.CodePublishStart)
}

// TestPublishAfterALostNetwork checks that a publisher can publish again from the same address after its network was lost. rtmplite3
// refuses it with Publish.BadName.
func TestPublishAfterALostNetwork(t *testing.T) {
	addr := app(t, &server.App{})
	url := "rtmp://" + addr + "/live/x"
	_, viewer := play(t, url)
	old := newPeer(t, addr) // stays open, as a connection does when the network is lost
	old.connect("live")
	id := old.CreateStream()
	old.command(id, "publish", 3, nil, "x", "live")
	old.UntilCode(message.CodePublishStart)
	all := media(sample(t))
	for _, tag := range all[:10] {
		old.media(message.Type(tag.Type), id, tag.Timestamp, tag.Body)
	}
	receive(t, viewer, 10)
	_, s := publish(t, url)
	write(t, s, all)
	got := receive(t, viewer, 10) // the players stay, and timestamps continue
	assert.GreaterOrEqual(t, got[0].Timestamp, all[9].Timestamp)
	old.UntilCode(message.CodePublishBadName)
	old.UntilGone()
}

func TestTakeNever(t *testing.T) {
	url := "rtmp://" + app(t, &server.App{Live: server.Live{Takeover: server.TakeNever}}) + "/live/x"
	publish(t, url)
	c := dial(t, url, &rtmp.Options{Publish: true})
	_, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
	var refused *rtmp.StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, message.CodePublishBadName, refused.Code)
}

func TestAwait(t *testing.T) {
	url := "rtmp://" + app(t, &server.App{Live: server.Live{Await: -1}}) + "/live/x"
	c := dial(t, url, &rtmp.Options{Live: true})
	_, err := c.CreateStream(background(t), nil)
	var refused *rtmp.StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, message.CodePlayStreamNotFound, refused.Code)
}

func TestFilters(t *testing.T) {
	addr := app(t, &server.App{
		Live:    server.Live{Linger: -1},
		Media:   func(r *server.Request, p *message.Packet) bool { return p.Type != message.TypeAudio },
		Deliver: func(r *server.Request, p *message.Packet) bool { return p.Timestamp < 1000 },
	})
	url := "rtmp://" + addr + "/live/x"
	_, viewer := play(t, url)
	_, s := publish(t, url)
	all := sample(t)
	write(t, s, all)
	var want []uint32
	for _, tag := range media(all) {
		if message.Type(tag.Type) == message.TypeVideo && tag.Timestamp < 1000 {
			want = append(want, tag.Timestamp)
		}
	}
	var got []uint32
	for _, tag := range receive(t, viewer, len(want)) {
		got = append(got, tag.Timestamp)
	}
	assert.Equal(t, want, got)
	require.NoError(t, s.Close())
	_, err := io.Copy(io.Discard, viewer)
	assert.NoError(t, err)
}

func TestKick(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	p := newPeer(t, addr)
	p.connect("live")
	require.Len(t, s.Conns(), 1)
	c := s.Conns()[0]
	assert.Equal(t, server.FromContext(c.Context()), c)
	assert.Equal(t, []*server.Conn{c}, c.Peers())
	c.Reject(server.Deny("out"))
	cmd := p.answer("onStatus")
	assert.Equal(t, message.CodeConnectRejected, message.ParseStatus(cmd.Args).Code)
	assert.Equal(t, "out", message.ParseStatus(cmd.Args).Description)
	_, err := p.Read()
	assert.ErrorIs(t, err, io.EOF, "a FIN, not a reset")
	p.Conn.Close()
	eventually(t, "gone", func() bool { return len(s.Conns()) == 0 && c.Err() != nil })
}

// TestKickTwice checks that a client that is disconnected twice at the same time gets one status.
func TestKickTwice(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	for range 300 {
		p := newPeer(t, addr)
		p.connect("live")
		c := s.Conns()[0]
		var kicks sync.WaitGroup
		for range 8 {
			kicks.Go(func() { c.Reject(server.Deny("out")) })
		}
		rest, err := io.ReadAll(p.Conn)
		require.NoError(t, err)
		require.Equal(t, 1, bytes.Count(rest, []byte(message.CodeConnectRejected)))
		p.Conn.Close()
		kicks.Wait()
		eventually(t, "gone", func() bool { return len(s.Conns()) == 0 })
	}
}

func TestFromContextElsewhere(t *testing.T) { assert.Nil(t, server.FromContext(context.Background())) }

func TestConnContext(t *testing.T) {
	type key struct{}
	got := make(chan any, 1)
	addr := start(t, &server.Server{
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, key{}, nc.RemoteAddr().String())
		},
		Apps: map[string]*server.App{"*": {Connect: func(ctx context.Context, c *server.Conn) error {
			got <- ctx.Value(key{})
			return nil
		}}}})
	p := newPeer(t, addr)
	p.connect("x")
	assert.Equal(t, p.Conn.LocalAddr().String(), <-got)
}

// TestUnpublishOfAStreamThatIsAboutToBeDeleted checks that Unpublish is called even if the reader handles deleteStream before the hooks'
// goroutine has served closeStream.
func TestUnpublishOfAStreamThatIsAboutToBeDeleted(t *testing.T) {
	release, began, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	p := newPeer(t, app(t, &server.App{
		Methods: map[string]server.Method{"wait": func(context.Context, *server.Conn, []any) (any, error) {
			<-release
			return nil, nil
		}},
		Publish: func(ctx context.Context, r *server.Request) error {
			close(began)
			<-ctx.Done() // the client has disconnected
			return nil
		},
		Unpublish: func(*server.Request, server.StreamStats) { close(ended) },
	}))
	p.connect("x")
	id := p.CreateStream()
	p.Send(peertest.Command(0, "wait", 0, nil), peertest.Command(id, "closeStream", 0, nil), peertest.Command(id, "publish", 0, nil, "key", "live"),
		peertest.Command(0, "deleteStream", 0, nil, float64(id)))
	p.Sync()
	close(release)
	waitFor(t, "Publish", began)
	p.Conn.Close()
	waitFor(t, "Unpublish", ended)
}
