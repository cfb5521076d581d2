package relay

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// moving is a Player of a live stream that moves from one server to others.
type moving struct {
	*testing.T
	network
	encoder *encoder
	player  *Player
	seen    events
	tags    []flv.Tag // what the Player has returned
	players sync.Map  // by host; the latest session that plays

	running sync.WaitGroup // the encoder
	sending sync.WaitGroup // goroutines of outputs
	stop    context.CancelFunc
	mu      sync.Mutex
	outputs map[string]output // by host
}

type output struct {
	*Publisher
	base  uint32        // subtracted from the timestamps
	delay time.Duration // of the way to the server
	late  chan rtmp.Packet
}

// newMoving returns a Player of a stream that is on the server called first. The stream has only tags of kind, or all if kind is 0.
func newMoving(t *testing.T, kind flv.TagType, o output) *moving {
	m := &moving{T: t, encoder: newEncoder(t), outputs: make(map[string]output)}
	if kind != 0 {
		m.encoder.tags = slices.DeleteFunc(m.encoder.tags, func(tag flv.Tag) bool { return tag.Type != kind })
	}
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	m.start("first")
	m.publish("first", o)
	m.running.Go(func() { m.encoder.publish(ctx, m) })
	synctest.Wait()
	options := m.options()
	options.FollowReconnect = rtmp.FollowAny
	m.player = &Player{URL: "rtmp://first/live/cam", Options: options, OnEvent: m.seen.add}
	m.Cleanup(m.end)
	return m
}

func (m *moving) end() {
	assertPlayerStats(m.T, m.player, len(m.tags))
	assertLine(m.T, m.tags)
	assert.NoError(m, m.player.Close())
	m.stop()
	m.running.Wait()
	for host, o := range m.outputs {
		close(o.late)
		o.Close()
		delete(m.outputs, host)
	}
	m.sending.Wait()
}

// WritePacket publishes on all servers on which the stream is. It makes the content of each repetition of the sample different.
func (m *moving) WritePacket(pkt *rtmp.Packet) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.outputs {
		p := *pkt
		p.Timestamp -= o.base
		if !flv.IsHeader(tagOf(pkt)) {
			p.Body = append(slices.Clip(p.Body), byte(m.encoder.base/length))
		}
		o.late <- p
	}
	return nil
}

func (m *moving) start(host string) *testserver.Server {
	s := m.serve(host, testserver.Config{OnMessage: func(s *testserver.Session, msg *chunk.Message) {
		if cmd, _ := message.ParseCommand(message.Type(msg.Type), msg.Body()); cmd.Name == "play" {
			m.players.Store(host, s)
		}
	}})
	m.Cleanup(s.Close)
	return s
}

// publish begins to publish on a server.
func (m *moving) publish(host string, o output) {
	m.mu.Lock()
	o.Publisher = &Publisher{URLs: []string{"rtmp://" + host + "/live/cam"}, Options: m.options()}
	o.Start()
	o.late = make(chan rtmp.Packet, 1000)
	m.outputs[host] = o
	m.mu.Unlock()
	m.sending.Go(func() {
		for pkt := range o.late {
			time.Sleep(time.Until(m.encoder.began.Add(time.Duration(pkt.Timestamp+o.base)*time.Millisecond + o.delay)))
			o.WritePacket(&pkt)
		}
	})
	synctest.Wait()
}

// unpublish ends publishing on a server.
func (m *moving) unpublish(host string) {
	m.mu.Lock()
	o := m.outputs[host]
	delete(m.outputs, host)
	m.mu.Unlock()
	close(o.late)
	assert.NoError(m, o.Close())
}

// ask makes the server of host ask the player to connect to another.
func (m *moving) ask(host, to string) {
	session, _ := m.players.Load(host)
	require.NoError(m, session.(*testserver.Session).Send(reconnectTo(m.T, "rtmp://"+to+"/live")))
}

func (m *moving) play(d time.Duration) {
	for _, tag := range read(m.T, m.player, d) {
		if !flv.IsHeader(tag) {
			tag.Body = tag.Body[:len(tag.Body)-1]
		}
		m.tags = append(m.tags, tag)
	}
}

// TestPlayerMovesWithoutLoss checks that a Player reads the old connection until the stream plays on the server to which it was asked to
// reconnect.
func TestPlayerMovesWithoutLoss(t *testing.T) {
	for _, test := range []struct {
		name          string
		kind          flv.TagType
		first, second output
	}{
		{name: "sound and pictures"},
		{name: "sound", kind: flv.TagAudio},
		{name: "pictures", kind: flv.TagVideo},
		{name: "other timestamps", second: output{base: 27_000}},
		{name: "the old server is behind", first: output{delay: 2 * time.Second}},
		{name: "the new server is behind", second: output{delay: 2 * time.Second}},
		{name: "the old server is behind, and other timestamps", first: output{delay: 2 * time.Second}, second: output{base: 27_000}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMoving(t, test.kind, test.first)
				m.play(20500 * time.Millisecond)
				m.start("second")
				m.ask("first", "second")
				m.play(7 * time.Second) // the stream is not there yet
				assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved}, m.seen.kinds())
				m.publish("second", test.second)
				m.play(7 * time.Second)
				assert.Equal(t, []EventKind{Connected, Playing}, m.seen.kinds())
				m.unpublish("first")
				m.play(10 * time.Second)
				assert.Empty(t, m.seen.kinds())
				assert.Zero(t, m.player.Stats().Gaps)
				if test.kind == 0 {
					assertEveryFrame(t, m.tags)
				} else {
					assertEveryFrame(t, m.tags, test.kind)
				}
			})
		})
	}
}

// TestPlayerLeavesASilentServer checks that a Player does not wait for a server that no longer has the stream.
func TestPlayerLeavesASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving(t, 0, output{})
		m.play(20500 * time.Millisecond)
		m.start("second")
		m.ask("first", "second")
		m.play(1500 * time.Millisecond) // until just before a key frame
		m.mu.Lock()
		first := m.outputs["first"]
		delete(m.outputs, "first")
		m.mu.Unlock()
		m.publish("second", output{})
		m.play(2 * time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved, Connected, Playing}, m.seen.kinds()[:6])
		close(first.late)
		assert.NoError(t, first.Close())
	})
}

// TestPlayerMovesTwice checks a server that asks to reconnect to a third one before the stream is there.
func TestPlayerMovesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving(t, 0, output{})
		m.play(20500 * time.Millisecond)
		m.start("second")
		m.start("third")
		m.ask("first", "second")
		m.play(3 * time.Second)
		m.ask("second", "third")
		m.play(3 * time.Second)
		m.publish("third", output{})
		m.play(7 * time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved, Connected, Playing}, m.seen.kinds())
		m.ask("third", "first") // and back
		m.play(7 * time.Second)
		assert.Equal(t, []EventKind{Moved, Connected, Playing}, m.seen.kinds())
		assertEveryFrame(t, m.tags)
	})
}

// TestPlayerLosesTheOldServer checks that a Player whose connection is lost while it moves goes on with the next one, even if the stream is
// not there yet, or connects as after any other loss.
func TestPlayerLosesTheOldServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving(t, 0, output{})
		second := m.start("second")
		m.play(20 * time.Second)
		m.ask("first", "second")
		m.play(3 * time.Second)
		m.unpublish("first")
		m.play(3 * time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved, Connected}, m.seen.kinds())
		m.publish("second", output{})
		m.play(10 * time.Second)
		assert.Equal(t, []EventKind{Playing, Gap}, m.seen.kinds())
		assert.EqualValues(t, 2, m.player.Stats().Connections)

		m.ask("second", "third") // nobody there
		m.play(3 * time.Second)
		m.unpublish("second")
		second.Close()
		m.publish("first", output{})
		m.play(10 * time.Second)
		kinds := m.seen.kinds()
		assert.Equal(t, []EventKind{Moved, Moved, Connecting, Down, Connecting, Connected, Playing, Gap}, kinds)
	})
}

// TestPlayerCloseWhileMoving checks that Close ends the old connection and the next one.
func TestPlayerCloseWhileMoving(t *testing.T) {
	for _, there := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := newMoving(t, 0, output{})
			m.play(5 * time.Second)
			if there {
				m.start("second")
			}
			m.ask("first", "second")
			m.play(2 * time.Second)
			require.NoError(t, m.player.Close())
			require.ErrorIs(t, m.player.ReadPacket(new(rtmp.Packet)), net.ErrClosed)
		})
	}
}

// TestPlayerLosesTheNewServer checks that a Player stays on the old connection if the next one is lost before the stream has moved to it.
func TestPlayerLosesTheNewServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving(t, 0, output{delay: 2 * time.Second})
		m.play(20500 * time.Millisecond)
		second := m.start("second")
		m.publish("second", output{})
		m.ask("first", "second")
		m.play(2500 * time.Millisecond) // the next connection can play, but is ahead of the old one
		m.unpublish("second")
		second.Close()
		m.play(10 * time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved}, m.seen.kinds())
		m.start("second")
		m.publish("second", output{})
		m.play(30 * time.Second)
		assert.Equal(t, []EventKind{Connected, Playing}, m.seen.kinds())
	})
}

// TestPlayerIsAskedAgain checks that a request that the old server repeats does not lead back to a server that has led the Player on.
func TestPlayerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving(t, 0, output{})
		m.play(20500 * time.Millisecond)
		second := m.serve("second", testserver.Config{OnMessage: func(s *testserver.Session, msg *chunk.Message) {
			if cmd, _ := message.ParseCommand(message.Type(msg.Type), msg.Body()); cmd.Name == "play" {
				s.Send(reconnectTo(t, "rtmp://third/live"))
			}
		}})
		defer second.Close()
		m.start("third")
		m.publish("third", output{})
		for range 30 {
			first, _ := m.players.Load("first")
			first.(*testserver.Session).Send(reconnectTo(t, "rtmp://second/live")) // fails after the move
			m.play(400 * time.Millisecond)
		}
		assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved, Connected, Playing}, m.seen.kinds())
	})
}
