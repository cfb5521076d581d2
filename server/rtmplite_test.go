package server_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
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

// feature is a feature of another system, with the tests of what replaces it.
type feature struct {
	name  string
	tests map[string]func(*testing.T)
}

func checklist(t *testing.T, features []feature) {
	for _, f := range features {
		t.Run(f.name, func(t *testing.T) {
			for name, test := range f.tests {
				t.Run(name, test)
			}
		})
	}
}

// TestRTMPLite tests every feature of rtmplite. Each subtest has rtmplite's name for the feature.
func TestRTMPLite(t *testing.T) {
	checklist(t, []feature{
		{"FlashServer root apps start stop", map[string]func(*testing.T){"apps": flashServer, "stop": TestShutdown}},
		{"App instance per path, clients publishers players", map[string]func(*testing.T){"peers": TestPeers, "rooms": roomsAreApart}},
		{"onConnect True False None", map[string]func(*testing.T){"refused": TestRefusals, "postponed": TestConnectMayWait}},
		{"redirectConnection", map[string]func(*testing.T){"redirect": TestRedirect}},
		{"onDisconnect onPublish onClose onPlay onStop", map[string]func(*testing.T){"order": TestHooksInOrder}},
		{"onCommand", map[string]func(*testing.T){"methods": TestMethods}},
		{"onStatus onResult", map[string]func(*testing.T){"status": TestStatusOfTheClient, "result": TestCallsFromHooks}},
		{"onPublishData onPlayData", map[string]func(*testing.T){"filters": TestFilters}},
		{"onUnpublish onDelete", map[string]func(*testing.T){"unpublish": unpublishAndDelete}},
		{"getfile getfilename", map[string]func(*testing.T){"names": TestNamesThatCanNotBe, "files": TestFileThatIsNotThere}},
		{"client.call", map[string]func(*testing.T){"notify": TestEchoServerThatCallsTheClient, "failure": TestCallFails}},
		{"client agent path objectEncoding streams", map[string]func(*testing.T){"attributes": clientAttributes}},
		{"publish live record append", map[string]func(*testing.T){"asked": TestRecordAskedAndAppend}},
		{"play start, seek, query", map[string]func(*testing.T){"start": TestFilePlaysFrom, "seek": TestFileSeekAndPause,
			"live": TestSeekAndPauseOfALiveStream, "file or live": fileOrLive}},
		{"Wirecast", map[string]func(*testing.T){"late joiner": TestLiveRelay}},
		{"SetChunkSize WinAck", map[string]func(*testing.T){"defaults": controlMessages}},
		{"rtmpt.py", map[string]func(*testing.T){"transports": TestTransports}},
		{"defect: joining after the start", map[string]func(*testing.T){"late joiner": TestLiveRelay}},
		{"defect: no Ctrl+C", map[string]func(*testing.T){"close": TestCloseEndsHandshakes, "hook": TestCloseWithAHookThatHangs}},
		{"defect: -k is ignored", map[string]func(*testing.T){"live stream": TestRecordingOfALiveStream}},
		{"defect: Publish.BadName after a lost network", map[string]func(*testing.T){"takeover": TestPublishAfterALostNetwork}},
	})
}

// flashServer tests apps={'myapp': MyApp, '*': App}, where the name selects the application. It also tests that a new server can use the
// address of a server that was stopped.
func flashServer(t *testing.T) {
	serve := func(addr string) (string, func()) {
		s := &server.Server{Apps: map[string]*server.App{
			"myapp": {Methods: map[string]server.Method{"who": server.Func(func() string { return "MyApp" })}},
			"*":     {Methods: map[string]server.Method{"who": server.Func(func() string { return "App" })}},
		}}
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- s.Serve(l) }()
		return l.Addr().String(), func() {
			require.NoError(t, s.Shutdown(background(t)))
			require.ErrorIs(t, waitFor(t, "Serve", done), server.ErrServerClosed)
		}
	}
	addr := "127.0.0.1:" + conntest.UnusedPort(t)
	for range 2 {
		var stop func()
		addr, stop = serve(addr)
		for name, want := range map[string]string{"myapp": "MyApp", "myapp/room": "MyApp", "other": "App"} {
			c := dial(t, "rtmp://"+addr+"/"+name, &rtmp.Options{App: name})
			got, err := c.RemoteMethod("who")(background(t))
			require.NoError(t, err)
			assert.Equal(t, want, got, name)
			require.NoError(t, c.Close())
		}
		stop()
	}
}

// roomsAreApart checks that streams with the same name in different instances
// of an application are different.
func roomsAreApart(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	var players []*rtmp.Stream
	for _, room := range []string{"live/one", "live/two"} {
		_, player := play(t, "rtmp://"+addr+"/"+room+"/x")
		players = append(players, player)
	}
	for i, room := range []string{"live/one", "live/two"} {
		_, out := publish(t, "rtmp://"+addr+"/"+room+"/x")
		body := []byte{0xaf, 1, byte(i)}
		require.NoError(t, out.WritePacket(&message.Packet{Type: message.TypeAudio, Body: body}))
		assert.Equal(t, body, receive(t, players[i], 1)[0].Body)
	}
	var paths []string
	for _, st := range s.Stats().Streams {
		paths = append(paths, st.Path)
		assert.Equal(t, 1, st.Players)
	}
	assert.ElementsMatch(t, []string{"live/one/x", "live/two/x"}, paths)
}

// unpublishAndDelete checks that FCUnpublish and deleteStream end publishing, once, and that the program sees the commands.
func unpublishAndDelete(t *testing.T) {
	unpublished, commands := make(chan string, 10), make(chan string, 100)
	addr := app(t, &server.App{
		Unpublish: func(r *server.Request, _ server.StreamStats) { unpublished <- r.Path },
		Packet: func(_ *server.Conn, p *message.Packet) (bool, error) {
			if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil && p.Type == message.TypeCommandAMF0 {
				commands <- cmd.Name
			}
			return false, nil
		}})
	p := newPeer(t, addr)
	p.connect("live")
	for _, first := range []string{"FCUnpublish", "deleteStream"} {
		id := p.CreateStream()
		p.command(id, "publish", 3, nil, first, "live")
		p.UntilCode(message.CodePublishStart)
		if first == "FCUnpublish" {
			p.command(0, "FCUnpublish", 0, nil, first)
		}
		p.command(0, "deleteStream", 5, nil, float64(id))
		assert.Equal(t, "live/"+first, waitFor(t, "Unpublish", unpublished))
	}
	p.alive()
	assert.Empty(t, unpublished, "once each")
	var seen []string
	for len(commands) > 0 {
		seen = append(seen, <-commands)
	}
	assert.Subset(t, seen, []string{"FCUnpublish", "deleteStream"})
}

// clientAttributes tests the properties that a client sends in connect, and calls in both encodings.
func clientAttributes(t *testing.T) {
	for _, encoding := range []float64{0, 3} {
		conns := make(chan *server.Conn, 1)
		addr := app(t, &server.App{Connected: func(c *server.Conn) { conns <- c }, Methods: map[string]server.Method{
			"echo": func(_ context.Context, _ *server.Conn, args []any) (any, error) { return args[0], nil }}})
		p := newPeer(t, addr)
		answer := p.connect("live/room", amf.Property{Name: "flashVer", Value: "LNX 9"}, amf.Property{Name: "objectEncoding", Value: encoding})
		assert.Equal(t, "_result", answer.Name)
		c := waitFor(t, "the client", conns)
		assert.Equal(t, "live/room", c.App())
		agent, _ := c.Connect().Object.(amf.Object)
		assert.Contains(t, agent, amf.Property{Name: "flashVer", Value: "LNX 9"})
		assert.Contains(t, agent, amf.Property{Name: "objectEncoding", Value: encoding})
		kind := message.TypeCommandAMF0
		if encoding == 3 {
			kind = message.TypeCommandAMF3
		}
		body, err := message.AppendCommand(nil, kind, &message.Command{Name: "echo", TransactionID: 9, Args: []any{"héllo"}})
		require.NoError(t, err)
		p.Send(chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 3, Body: body})
		m := p.Until(func(m peertest.Message) bool { return m.Command.TransactionID == 9 })
		assert.Equal(t, []any{"héllo"}, m.Command.Args)
		p.command(p.CreateStream(), "publish", 3, nil, "x", "live")
		p.UntilCode(message.CodePublishStart)
		require.Len(t, c.Streams(), 1)
		assert.Equal(t, "live/room/x", c.Streams()[0].Path)
	}
}

// fileOrLive checks that a start of -2 plays the live stream or, if there is none, the file. A start of -1 must play only the live stream,
// and a start of 0 only the file. It also checks that parameters are not part of the name.
func fileOrLive(t *testing.T) {
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: vodFolder(t), Live: server.Live{Await: -1, Linger: -1}}}}
	addr := start(t, s)
	first := func(from float64) []byte {
		p := newPeer(t, addr)
		p.connect("vod")
		p.command(p.CreateStream(), "play", 3, nil, "film?token=1", from)
		if code := p.status(); code == message.CodePlayStreamNotFound {
			return nil
		}
		for {
			m, err := p.Read()
			require.NoError(t, err)
			if k := m.Type; k == message.TypeAudio || k == message.TypeVideo {
				return append([]byte(nil), m.Body...)
			}
		}
	}
	film := media(sample(t))[0].Body
	assert.Nil(t, first(-1000), "there is no live stream")
	assert.Equal(t, film, first(-2000))
	pub, err := s.Publish(background(t), "vod/film")
	require.NoError(t, err)
	live := []byte{0x17, 1, 0, 0, 0, 99} // a key frame
	require.NoError(t, pub.WritePacket(&message.Packet{Type: message.TypeVideo, Body: live}))
	for from, want := range map[float64][]byte{-1000: live, -2000: live, 0: film} {
		assert.Equal(t, want, first(from), "start %v", from)
	}
	require.NoError(t, pub.Close())
}

// controlMessages checks that a client receives the window, the bandwidth and the chunk size when it connects.
func controlMessages(t *testing.T) {
	p := newPeer(t, start(t, &server.Server{ChunkSize: 5000, WindowAckSize: 123456}))
	p.command(0, "connect", 1, amf.Object{{Name: "app", Value: "x"}})
	seen := map[message.Type]bool{}
	for !(seen[message.TypeWindowAckSize] && seen[message.TypeCommandAMF0]) {
		m, err := p.Read()
		require.NoError(t, err)
		seen[m.Type] = true
		if m.Type == message.TypeWindowAckSize {
			assert.Equal(t, []byte{0, 1, 0xe2, 0x40}, m.Body)
		}
	}
	assert.True(t, seen[message.TypeSetPeerBandwidth])
	assert.Equal(t, 5000, p.In.ChunkSize())
}

// TestAppendAfterARestart checks that a server can continue a recording that a previous server has made.
func TestAppendAfterARestart(t *testing.T) {
	dir := t.TempDir()
	all := media(sample(t))[:20]
	for range 2 {
		done := make(chan error, 1)
		s := &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir,
			Done: func(_ *server.Request, _ string, err error) { done <- err }}}}}
		url := "rtmp://" + start(t, s) + "/live/x"
		c := dial(t, url, &rtmp.Options{Publish: true})
		out, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: "append"})
		require.NoError(t, err)
		write(t, out, all)
		require.NoError(t, out.Close())
		require.NoError(t, waitFor(t, "Done", done))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c.Close()
		s.Shutdown(ctx)
		cancel()
	}
	file, err := os.ReadFile(filepath.Join(dir, "live", "x.flv"))
	require.NoError(t, err)
	assert.Len(t, media(tags(t, file)), 2*len(all))
}
