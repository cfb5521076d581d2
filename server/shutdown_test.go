package server_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestShutdown checks that Shutdown ends every stream properly.
func TestShutdown(t *testing.T) {
	f, done := recording(t, &server.Files{Record: server.RecordAll})
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: f}}}
	addr := start(t, s)
	c, viewer := play(t, "rtmp://"+addr+"/live/x")
	p := newPeer(t, addr)
	p.connect("live", amf.Property{Name: "capsEx", Value: 1.0})
	id := p.CreateStream()
	p.command(id, "publish", 3, nil, "x", "live")
	p.UntilCode(message.CodePublishStart)
	all := media(sample(t))
	for _, tag := range all {
		p.media(message.Type(tag.Type), id, tag.Timestamp, tag.Body)
	}
	receive(t, viewer, len(all))
	over := make(chan error, 1)
	ctx, cancel := context.WithCancel(background(t))
	go func() { over <- s.Shutdown(ctx) }()
	p.UntilCode(message.CodeConnectReconnectRequest)
	cancel()
	_, err := io.Copy(io.Discard, viewer)
	assert.NoError(t, err, "the player's stream has ended")
	c.Close()
	p.UntilCode("NetConnection.Connect.AppShutdown")
	for err = nil; err == nil; { // Unpublish.Success may also arrive
		_, err = p.Read()
	}
	assert.ErrorIs(t, err, io.EOF, "a FIN")
	p.Conn.Close()
	d := waitFor(t, "Done", done)
	require.NoError(t, d.err)
	file, err := os.ReadFile(d.file)
	require.NoError(t, err)
	assert.Equal(t, all, media(tags(t, file)))
	assert.ErrorIs(t, waitFor(t, "the end of Shutdown", over), context.Canceled)
	nc, err := net.Dial("tcp", addr)
	if err == nil {
		nc.Close()
	}
	assert.Error(t, err)
}

// TestShutdownWaitsForDone checks that Shutdown waits for Files.Done within its context or, if clients have stayed, for some seconds.
func TestShutdownWaitsForDone(t *testing.T) {
	for name, stays := range map[string]bool{"all have left": false, "a publisher stays": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				begun, release := make(chan struct{}), make(chan struct{})
				f := &server.Files{Dir: dir, Record: server.RecordAll, Done: func(*server.Request, string, error) {
					close(begun)
					<-release
				}}
				s := &server.Server{Apps: map[string]*server.App{"*": {Files: f}}, Logger: slog.New(slog.DiscardHandler)}
				p, ended := piped(t, s)
				p.connect("live")
				p.media(message.TypeVideo, p.Publish("x", "live"), 0, []byte{0x17, 1, 0, 0, 0, 7})
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if stays {
					cancel()
				} else {
					p.Conn.Close()
					<-ended
				}
				over := make(chan error, 1)
				go func() { over <- s.Shutdown(ctx) }()
				<-begun
				synctest.Wait()
				assert.Empty(t, over, "Shutdown has not waited")
				close(release)
				err := <-over
				assert.Equal(t, stays, err != nil, "%v", err)
			})
		})
	}
	t.Run("Done never returns", func(t *testing.T) {
		begun, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		f := &server.Files{Dir: t.TempDir(), Record: server.RecordAll, Done: func(*server.Request, string, error) {
			close(begun)
			<-release
		}}
		s := &server.Server{Apps: map[string]*server.App{"*": {Files: f}}}
		c, stream := publish(t, "rtmp://"+start(t, s)+"/live/x")
		write(t, stream, sample(t))
		require.NoError(t, c.Close())
		waitFor(t, "Done", begun)
		ctx, cancel := context.WithTimeout(background(t), 50*time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
	})
}

// TestShutdownWaitsForDoneOfNoFile checks that Shutdown also waits for Files.Done if the file could not be begun.
func TestShutdownWaitsForDoneOfNoFile(t *testing.T) {
	begun, release, done := make(chan struct{}), make(chan struct{}), false
	f := &server.Files{Dir: t.TempDir(), Record: server.RecordAll, MinFree: math.MaxInt64, Done: func(_ *server.Request, file string, err error) {
		assert.Empty(t, file)
		assert.Error(t, err)
		close(begun)
		<-release
		done = true
	}}
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: f}}}
	c, _ := publish(t, "rtmp://"+start(t, s)+"/live/x")
	waitFor(t, "Done", begun)
	require.NoError(t, c.Close())
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(background(t)) }()
	close(release)
	require.NoError(t, waitFor(t, "the end of Shutdown", over))
	assert.True(t, done)
}

// TestShutdownWithoutDone checks that Shutdown does not wait for another hook if there is no Files.Done.
func TestShutdownWithoutDone(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	app := &server.App{Files: &server.Files{Dir: t.TempDir(), Record: server.RecordAll}}
	app.Methods = map[string]server.Method{"block": func(context.Context, *server.Conn, []any) (any, error) {
		close(begun)
		<-release
		return nil, nil
	}}
	s := &server.Server{Apps: map[string]*server.App{"*": app}}
	c, stream := publish(t, "rtmp://"+start(t, s)+"/live/x")
	write(t, stream, sample(t))
	_, err := c.Call(background(t), "block")
	require.NoError(t, err)
	waitFor(t, "the hook", begun)
	c.Close()
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(background(t)) }()
	assert.NoError(t, waitFor(t, "the end of Shutdown", over))
}

// TestShutdownOfATunnel checks that a client of a tunnel is notified that its stream has ended, although it polls only now and then.
func TestShutdownOfATunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{Logger: slog.New(slog.DiscardHandler)}
		defer s.Close()
		tunnel := s.TunnelHandler()
		var waiting atomic.Bool
		ask := make(chan struct{})
		web := servePipes(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if waiting.Load() {
				<-ask
			}
			tunnel.ServeHTTP(w, r)
		})})
		pub, err := s.Publish(t.Context(), "live/x")
		require.NoError(t, err)
		_, err = pub.Write(sampleBytes)
		require.NoError(t, err)
		c, err := rtmp.Dial(t.Context(), "rtmpt://server.test/live/x", &rtmp.Options{Live: true, DialContext: web.DialContext})
		require.NoError(t, err)
		defer c.Close()
		viewer, err := c.CreateStream(t.Context(), nil)
		require.NoError(t, err)
		receive(t, viewer, 3)
		waiting.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		over := make(chan error, 1)
		go func() { over <- s.Shutdown(ctx) }()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Zero(t, s.Stats().Conns, "the server has ended the connection")
		assert.Empty(t, over, "Shutdown has not waited")
		close(ask)
		_, err = io.Copy(io.Discard, viewer)
		assert.NoError(t, err, "the player's stream has ended")
		c.Close()
		assert.ErrorIs(t, <-over, context.DeadlineExceeded)
	})
}

// TestCloseDuringShutdownOfATunnel checks that Close ends a Shutdown that waits for the client of a tunnel.
func TestCloseDuringShutdownOfATunnel(t *testing.T) {
	s := &server.Server{}
	web := httptest.NewServer(s.TunnelHandler())
	t.Cleanup(web.Close)
	dial(t, "rtmpt://"+web.Listener.Addr().String()+"/live", nil)
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(background(t)) }()
	require.NoError(t, s.Close())
	assert.NoError(t, waitFor(t, "the end of Shutdown", over))
}

// TestShutdownDoesNotWaitForSilentClients checks that clients which have not sent connect are disconnected as soon as Shutdown's context is
// done, since there is nothing to tell them.
func TestShutdownDoesNotWaitForSilentClients(t *testing.T) {
	for name, join := range map[string]func(t *testing.T, s *server.Server){
		"nothing sent": func(t *testing.T, s *server.Server) {
			client, served := net.Pipe()
			t.Cleanup(func() { client.Close() })
			go s.ServeConn(context.Background(), served)
		},
		"no connect": func(t *testing.T, s *server.Server) {
			p, _ := piped(t, s)
			t.Cleanup(func() { p.Conn.Close() })
		},
		"tunnel": func(t *testing.T, s *server.Server) {
			w := httptest.NewRecorder()
			s.TunnelHandler().ServeHTTP(w, httptest.NewRequest("POST", "/open/1", strings.NewReader("\x00")))
			require.Equal(t, http.StatusOK, w.Code)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server.Server{}
				join(t, s)
				synctest.Wait()
				require.Equal(t, 1, s.Stats().Conns)
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				began := time.Now()
				assert.ErrorIs(t, s.Shutdown(ctx), context.Canceled)
				assert.Zero(t, time.Since(began))
			})
		})
	}
}

// TestShutdownEndsWithTheLastClient checks that Shutdown returns as soon as the last client has left.
func TestShutdownEndsWithTheLastClient(t *testing.T) {
	for name, join := range map[string]func(t *testing.T, s *server.Server) (leave func()){
		"connection": func(t *testing.T, s *server.Server) func() {
			client, served := net.Pipe()
			go s.ServeConn(context.Background(), served)
			return func() { client.Close() }
		},
		"tunnel": func(t *testing.T, s *server.Server) func() {
			post := func(path string) string {
				w := httptest.NewRecorder()
				s.TunnelHandler().ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader("\x00")))
				require.Equal(t, http.StatusOK, w.Code)
				return strings.TrimSpace(w.Body.String())
			}
			id := post("/open/1")
			return func() { post("/close/" + id + "/1") }
		},
		"viewer": func(t *testing.T, s *server.Server) func() {
			ctx, cancel := context.WithCancel(context.Background())
			go s.FLVHandler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/live/x.flv", nil).WithContext(ctx))
			return cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server.Server{}
				leave := join(t, s)
				synctest.Wait()
				require.Equal(t, 1, s.Stats().Conns)
				over := make(chan error, 1)
				go func() { over <- s.Shutdown(t.Context()) }()
				synctest.Wait()
				require.Empty(t, over)
				left := time.Now()
				leave()
				require.NoError(t, <-over)
				assert.Zero(t, time.Since(left))
			})
		})
	}
}

func TestShutdownOfAnIdleServer(t *testing.T) {
	s := &server.Server{}
	start(t, s)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	require.NoError(t, s.Shutdown(background(t)))
	s.Addr = taken.Addr().String()
	assert.ErrorIs(t, s.ListenAndServe(), server.ErrServerClosed, "the server does not listen any more")
}

// TestConnectDuringShutdown checks that new clients are refused while a Shutdown waits.
func TestConnectDuringShutdown(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	p := newPeer(t, addr) // a client that has not sent connect yet
	over := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() { over <- s.Shutdown(ctx) }()
	eventually(t, "the listener has closed", func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
		}
		return err != nil
	})
	cmd := p.connect("x")
	assert.Equal(t, "NetConnection.Connect.AppShutdown", message.ParseStatus(cmd.Args).Code)
	p.Conn.Close()
	assert.NoError(t, waitFor(t, "the end of Shutdown", over))
}

// TestCloseWithAHookThatHangs checks that Close does not wait for hooks.
func TestCloseWithAHookThatHangs(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := &server.Server{Apps: map[string]*server.App{"*": {Connect: func(ctx context.Context, c *server.Conn) error {
		close(entered)
		<-release
		return nil
	}}}}
	p := newPeer(t, start(t, s))
	p.command(0, "connect", 1, amf.Object{{Name: "app", Value: "x"}})
	<-entered
	require.NoError(t, s.Close())
	close(release)
	p.UntilGone()
}

// TestCloseWithAHookOfAViewerThatHangs checks that Close does not wait for the hooks of an HTTP viewer either. Stop must still be called
// for each Play that returned nil.
func TestCloseWithAHookOfAViewerThatHangs(t *testing.T) {
	for _, hangs := range []string{"play", "stop"} {
		t.Run(hangs, func(t *testing.T) {
			entered, release, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
			hang := func(hook string) {
				if hook == hangs {
					close(entered)
					<-release
				}
			}
			s := &server.Server{Apps: map[string]*server.App{"*": {
				Files: vodFolder(t),
				Play:  func(context.Context, *server.Request) error { hang("play"); return nil },
				Stop:  func(*server.Request, server.StreamStats) { hang("stop"); close(stopped) },
			}}}
			url := web(t, s)
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				if res, err := http.Get(url + "/vod/film.flv"); err == nil {
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}()
			waitFor(t, "the hook", entered)
			require.NoError(t, s.Close())
			close(release)
			waitFor(t, "Stop", stopped)
			waitFor(t, "the answer", answered)
		})
	}
}

func TestCloseEndsHandshakes(t *testing.T) {
	s := &server.Server{}
	nc, err := net.Dial("tcp", start(t, s))
	require.NoError(t, err)
	defer nc.Close()
	nc.Write([]byte{3})
	eventually(t, "it is there", func() bool { return s.Stats().Conns == 1 })
	require.NoError(t, s.Close())
	nc.SetDeadline(time.Now().Add(patience))
	_, err = nc.Read(make([]byte, 1))
	assert.Error(t, err)
	assert.Zero(t, s.Stats().Conns)
}

func TestPublishAndSubscribeInTheProgram(t *testing.T) {
	s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}
	addr := start(t, s)
	sub, err := s.Subscribe(background(t), "live/x", server.SubscribeOptions{})
	require.NoError(t, err)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	require.NoError(t, pub.WriteData("onMetaData", amf.ECMAArray{{Name: "title", Value: "x"}}))
	_, viewer := play(t, "rtmp://"+addr+"/live/x")
	n, err := pub.Write(sampleBytes)
	require.NoError(t, err)
	assert.Len(t, sampleBytes, n)
	all := media(sample(t))
	assert.Equal(t, all, receive(t, viewer, len(all)))
	require.NoError(t, pub.Close())
	got := read(t, sub)
	assert.Equal(t, all, media(got))
	assert.Zero(t, sub.Missed())
	require.NoError(t, sub.Close())

	_, err = s.Publish(background(t), "../x")
	assert.Error(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	sub, err = s.Subscribe(ctx, "live/y", server.SubscribeOptions{})
	require.NoError(t, err)
	cancel()
	_, err = sub.Next(context.Background())
	assert.ErrorIs(t, err, context.Canceled)
}

// TestPublishInTheProgramIsRecorded checks that the recording of a Publisher is
// complete, and that RecordAsked does not record it.
func TestPublishInTheProgramIsRecorded(t *testing.T) {
	for _, mode := range []server.RecordMode{server.RecordAll, server.RecordAsked} {
		f, done := recording(t, &server.Files{Record: mode})
		s := &server.Server{Apps: map[string]*server.App{"live": {Files: f}}}
		defer s.Close()
		pub, err := s.Publish(background(t), "live/x")
		require.NoError(t, err)
		_, err = pub.Write(sampleBytes)
		require.NoError(t, err)
		require.NoError(t, pub.Close())
		if mode == server.RecordAsked { // Server.Publish cannot ask for a recording
			assert.Empty(t, done)
			continue
		}
		d := waitFor(t, "Done", done)
		require.NoError(t, d.err)
		assert.Equal(t, "live/x", d.path)
		file, err := os.ReadFile(d.file)
		require.NoError(t, err)
		assert.Equal(t, media(sample(t)), media(tags(t, file)))
	}
}

// TestRecordingOfThePrograms checks that the recording of a Publisher is complete even if its context or the Server has ended the
// publication.
func TestRecordingOfThePrograms(t *testing.T) {
	for name, end := range map[string]func(cancel func(), s *server.Server){
		"context": func(cancel func(), _ *server.Server) { cancel() },
		"server":  func(_ func(), s *server.Server) { s.Close() },
	} {
		f, done := recording(t, &server.Files{Record: server.RecordAll})
		s := &server.Server{Apps: map[string]*server.App{"live": {Files: f}}}
		ctx, cancel := context.WithCancel(background(t))
		pub, err := s.Publish(ctx, "live/x")
		require.NoError(t, err)
		_, err = pub.Write(sampleBytes)
		require.NoError(t, err)
		end(cancel, s)
		d := waitFor(t, "Done: "+name, done)
		require.NoError(t, d.err)
		file, err := os.ReadFile(d.file)
		require.NoError(t, err)
		assert.Equal(t, media(sample(t)), media(tags(t, file)), name)
		require.NoError(t, pub.Close())
		cancel()
		s.Close()
	}
}

func TestRecordingIsWholeWhenTheServerHasClosed(t *testing.T) {
	soon, cancel := context.WithCancel(context.Background())
	cancel()
	for name, end := range map[string]func(*server.Server){
		"Close":    func(s *server.Server) { s.Close() },
		"Shutdown": func(s *server.Server) { s.Shutdown(soon) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, total := t.TempDir(), uint64(0)
			s := &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir, Record: server.RecordAll}}}}
			_, stream := publish(t, "rtmp://"+start(t, s)+"/live/x")
			for _, tag := range sample(t) {
				total += uint64(len(tag.Body))
			}
			write(t, stream, sample(t))
			eventually(t, "everything is published", func() bool {
				streams := s.Stats().Streams
				return len(streams) == 1 && streams[0].BytesIn >= total
			})
			end(s)
			recorded, err := os.ReadFile(filepath.Join(dir, "live", "x.flv"))
			require.NoError(t, err)
			assert.Equal(t, media(sample(t)), media(tags(t, recorded)))
		})
	}
}
