package relay

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func write(t *testing.T, p *Publisher, e *encoder, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	require.NoError(t, e.publish(ctx, p))
	synctest.Wait()
}

func assertPublisherStats(t *testing.T, p *Publisher) PublisherStats {
	t.Helper()
	s := p.Stats()
	assert.Equal(t, s.Written, s.Sent+s.Dropped+s.Queued)
	return s
}

func TestPublisherConnectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var seen events
		var got recorder
		p := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options(), OnEvent: seen.add}
		e := newEncoder(t)
		write(t, p, e, 20*time.Second)
		assert.Equal(t, []EventKind{Connecting, Down, Connecting, Down}, seen.kinds()[:4])
		assert.NotZero(t, p.Stats().Queued)

		server := n.serve("target", testserver.Config{OnMessage: got.take})
		write(t, p, e, time.Minute)
		tags := got.taken()
		assert.Regexp(t, "^mvas*K", describe(tags, 8), "queued messages are sent from the newest key frame on")
		s := assertPublisherStats(t, p)
		assert.Zero(t, s.Queued)
		assert.EqualValues(t, len(tags), s.Sent)
		assertDecodable(t, tags)

		server.Close()
		write(t, p, e, 7*time.Second)
		server = n.serve("target", testserver.Config{OnMessage: got.take})
		write(t, p, e, time.Minute)
		tags = got.taken()
		assert.Regexp(t, "^mvas*K", describe(tags, 8))
		assertDecodable(t, tags)
		s = assertPublisherStats(t, p)
		assert.EqualValues(t, 2, s.Connections)
		assert.EqualValues(t, 3, s.Repeated)
		require.NoError(t, p.Close())
		require.ErrorIs(t, p.WritePacket(packetOf(e.next())), net.ErrClosed)
		require.NoError(t, p.Close())
		server.Close()
	})
}

// assertDecodable asserts that the first picture is a key frame, and that no picture is missing between the others.
func assertDecodable(t *testing.T, tags []flv.Tag) {
	t.Helper()
	var last *flv.Tag
	for i, tag := range tags {
		switch kind, _ := flv.KindOf(tag); {
		case last == nil && kind == flv.KindFrame:
			require.Fail(t, "a picture that can't be decoded", "tag %d", i)
		case kind == flv.KindFrame:
			require.LessOrEqual(t, tag.Timestamp-last.Timestamp, uint32(80), "tag %d", i)
			last = &tag
		case kind == flv.KindKeyFrame:
			last = &tag
		}
	}
	require.NotNil(t, last)
}

// TestPublisherDropsWhatFindsNoRoom checks that a Publisher whose server reads nothing drops pictures, with bounded memory and without
// affecting others.
func TestPublisherDropsWhatFindsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var got recorder
		slow := make(chan struct{})
		waiting := atomic.Bool{}
		server := n.serve("target", testserver.Config{OnMessage: func(s *testserver.Session, m *chunk.Message) {
			got.take(s, m)
			if waiting.Load() {
				<-slow
			}
		}})
		o := n.options()
		o.SendQueue, o.Timeout = 200_000, 10*time.Minute
		p := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: o}
		e := newEncoder(t)
		write(t, p, e, 10*time.Second)
		waiting.Store(true)
		for range 20 {
			write(t, p, e, 10*time.Second)
			assert.LessOrEqual(t, p.Stats().QueuedBytes, 400_000)
		}
		s := assertPublisherStats(t, p)
		assert.Greater(t, s.Dropped, uint64(10*10*(25+43)))
		waiting.Store(false)
		close(slow)
		write(t, p, e, 10*time.Second)
		s = assertPublisherStats(t, p)
		assert.Zero(t, s.Queued)
		assert.EqualValues(t, len(got.taken()), s.Sent)
		require.NoError(t, p.Close())
		server.Close()
	})
}

// TestPublisherMovesBetweenURLs checks that the stream moves to the second URL while the first is down, and back without losing a picture.
func TestPublisherMovesBetweenURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var first, second recorder
		p := &Publisher{URLs: []string{"rtmp://first/live/key", "rtmp://second/live/key"}, Options: n.options()}
		told := make(map[string]int)
		p.OnEvent = func(event Event) {
			told[event.Kind.String()+strconv.Itoa(event.Index)]++
			assert.True(t, strings.HasPrefix(p.URLs[event.Index], event.URL), "%v", event)
		}
		e := newEncoder(t)
		one, two := n.serve("first", testserver.Config{OnMessage: first.take}), n.serve("second", testserver.Config{OnMessage: second.take})
		write(t, p, e, 20*time.Second)
		assert.Empty(t, second.taken())
		assertDecodable(t, first.taken())
		one.Close()
		write(t, p, e, time.Minute)
		tags := second.taken()
		assertDecodable(t, tags)
		one = n.serve("first", testserver.Config{OnMessage: first.take})
		write(t, p, e, 2*time.Minute)
		tags = append(tags, second.taken()...)
		back := first.taken()
		assert.Equal(t, "mvaK", describe(back, 4))
		assertDecodable(t, append(tags, back...))
		write(t, p, e, time.Minute)
		assert.Empty(t, second.taken())
		s := assertPublisherStats(t, p)
		assert.EqualValues(t, 3, s.Connections)
		assert.Zero(t, s.Queued)
		two.Close() // closed first, since otherwise the stream would move to it
		one.Close()
		write(t, p, e, time.Minute)
		assert.Error(t, p.Close())
		assertPublisherStats(t, p)
		assert.Zero(t, p.Stats().Queued)
		assert.Equal(t, []int{2, 1}, []int{told["connected0"], told["connected1"]})
		assert.NotZero(t, told["down0"])
		assert.NotZero(t, told["down1"])
	})
}

// TestPublisherMovesAtOnce checks that moving back to the first URL does not wait until a slow second server has read everything.
func TestPublisherMovesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		began, late := time.Now(), time.Duration(-1)
		deaf, back := make(chan struct{}), atomic.Bool{}
		first := testserver.Config{OnMessage: func(_ *testserver.Session, m *chunk.Message) {
			switch cmd, _ := message.ParseCommand(message.Type(m.Type), m.Body()); {
			case cmd.Name == "publish":
				back.Store(true)
			case message.Type(m.Type) == message.TypeVideo && m.Body()[1] == 1 && late < 0: // a picture
				late = time.Since(began) - time.Duration(m.Timestamp)*time.Millisecond
			}
		}}
		two := n.serve("second", testserver.Config{OnMessage: func(*testserver.Session, *chunk.Message) {
			if back.Load() {
				<-deaf
			}
		}})
		p := &Publisher{URLs: []string{"rtmp://first/live/key", "rtmp://second/live/key"}, Options: n.options()}
		e := newEncoder(t)
		write(t, p, e, 20*time.Second)
		one := n.serve("first", first)
		write(t, p, e, 2*time.Minute)
		assert.InDelta(t, 0, late, float64(time.Second))
		close(deaf)
		require.NoError(t, p.Close())
		one.Close()
		two.Close()
	})
}

// TestEventString checks that events distinguish two streams on one server without their names.
func TestEventString(t *testing.T) {
	event := Event{Kind: Refused, URL: "rtmp://server/live", Err: errors.New("in use"), Wait: time.Second}
	assert.Equal(t, "rtmp://server/live: refused: in use; again in 1s", event.String())
	event.Index = 1
	assert.Equal(t, "rtmp://server/live (URLs[1]): refused: in use; again in 1s", event.String())
}

// TestPublisherWaitsForTheName checks that a Publisher tries again while the name is in use, even if GiveUp is Denied.
func TestPublisherWaitsForTheName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var seen events
		server := n.serve("target", testserver.Config{})
		defer server.Close()
		holder := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options()}
		write(t, holder, newEncoder(t), 10*time.Second)
		p := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options(), OnEvent: seen.add, GiveUp: Denied}
		e := newEncoder(t)
		write(t, p, e, 10*time.Second)
		assert.Equal(t, []EventKind{Connecting, Refused, Connecting, Refused}, seen.kinds()[:4])
		require.NoError(t, holder.Close())
		write(t, p, e, 30*time.Second)
		assert.Contains(t, seen.kinds(), Connected)
		require.NoError(t, p.Close())
	})
}

func TestPublisherGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		server := n.serve("target", testserver.Config{Apps: []string{"live"}})
		defer server.Close()
		p := &Publisher{URLs: []string{"rtmp://target/a/key", "rtmp://target/b/key"}, Options: n.options(), GiveUp: Denied}
		p.Start()
		synctest.Wait()
		var refused *rtmp.StatusError
		require.ErrorAs(t, p.WritePacket(&rtmp.Packet{Type: message.TypeAudio}), &refused)
		require.ErrorAs(t, p.Close(), &refused)
	})
	for _, p := range []*Publisher{{}, {URLs: []string{"http://x/y"}}, {URLs: []string{"rtmp://x/y/z", "rtmp://x/y nonsense=1"}}} {
		assert.Error(t, p.WritePacket(&rtmp.Packet{Type: message.TypeAudio}))
		assert.Error(t, p.Close())
	}
	p := &Publisher{URLs: []string{"rtmp://x/y/z"}}
	assert.ErrorContains(t, p.WritePacket(&rtmp.Packet{Type: message.TypeUserControl}), "not media")
	assert.ErrorContains(t, p.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Body: make([]byte, 1<<24)}), "too long")
	assert.NoError(t, p.Close())
}

// TestPublisherHeaderThatWasNotSent checks that a header with which a connection has failed is not dropped, but sent to the next connection.
func TestPublisherHeaderThatWasNotSent(t *testing.T) {
	p := &Publisher{queue: session.NewDropQueue(1 << 20)}
	s := &sender{p: p, pending: true, pkt: rtmp.Packet{Type: message.TypeVideo, Body: []byte{0x17, 0, 0, 0, 0, 1}}}
	s.restart()
	assert.True(t, s.pending)
	assert.Zero(t, p.stats.Dropped)
	s.pkt.Body[1] = 1 // a key frame
	s.restart()
	assert.False(t, s.pending)
	assert.EqualValues(t, 1, p.stats.Dropped)
}

// TestPublisherNewHeadersWhileDown checks that new headers written without a connection are sent before the media that they describe.
func TestPublisherNewHeadersWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var got recorder
		p := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options()}
		video := func(at uint32, body ...byte) {
			require.NoError(t, p.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Timestamp: at, Body: body}))
		}
		for range 1000 { // known headers don't fill the queue
			video(0, 0x17, 0, 0, 0, 0, 1)
		}
		assert.Equal(t, PublisherStats{Written: 1, Queued: 1, QueuedBytes: p.Stats().QueuedBytes, Failures: p.Stats().Failures}, p.Stats())
		video(0, 0x17, 1, 0, 0, 0, 1)
		video(40, 0x17, 0, 0, 0, 0, 2)
		video(40, 0x17, 1, 0, 0, 0, 2)
		video(80, 0x27, 1, 0, 0, 0, 3)
		server := n.serve("target", testserver.Config{OnMessage: got.take})
		defer server.Close()
		time.Sleep(time.Minute)
		require.NoError(t, p.Close())
		tags := got.taken()
		assert.Equal(t, "vKf", describe(tags, 10))
		assert.EqualValues(t, 2, tags[0].Body[5])
		assert.EqualValues(t, 2, assertPublisherStats(t, p).Dropped)
	})
}

// TestPublisherHeadersWaitForMedia checks a source that changes while a new connection waits for media. Servers such as nginx-rtmp record only
// the first headers before a key frame, so the old ones must not be sent.
func TestPublisherHeadersWaitForMedia(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var got recorder
		p := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options()}
		video := func(at uint32, body ...byte) {
			require.NoError(t, p.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Timestamp: at, Body: body}))
		}
		server := n.serve("target", testserver.Config{OnMessage: got.take})
		video(0, 0x17, 0, 0, 0, 0, 1)
		video(0, 0x17, 1, 0, 0, 0, 1)
		time.Sleep(time.Second)
		assert.Equal(t, "vK", describe(got.taken(), 10))
		server.Close()
		time.Sleep(time.Second)
		server = n.serve("target", testserver.Config{OnMessage: got.take})
		time.Sleep(time.Minute)
		assert.EqualValues(t, 2, p.Stats().Connections)
		video(40, 0x17, 0, 0, 0, 0, 2)
		time.Sleep(time.Second)
		assert.EqualValues(t, 1, assertPublisherStats(t, p).Queued, "the header waits")
		server.Close() // which loses the header, but the next connection begins with it
		time.Sleep(time.Second)
		server = n.serve("target", testserver.Config{OnMessage: got.take})
		time.Sleep(time.Minute)
		video(40, 0x17, 1, 0, 0, 0, 2)
		video(80, 0x17, 0, 0, 0, 0, 3)
		time.Sleep(time.Second)
		tags := got.taken()
		require.Equal(t, "vKv", describe(tags, 10))
		assert.EqualValues(t, []byte{2, 2, 3}, []byte{tags[0].Body[5], tags[1].Body[5], tags[2].Body[5]})
		s := assertPublisherStats(t, p)
		assert.EqualValues(t, 5, s.Sent)
		assert.Zero(t, s.Repeated)
		server.Close()
		time.Sleep(time.Second)
		server = n.serve("target", testserver.Config{OnMessage: got.take})
		defer server.Close()
		time.Sleep(time.Minute)
		video(120, 0x17, 0, 0, 0, 0, 4)
		require.NoError(t, p.Close())
		assert.Equal(t, "v", describe(got.taken(), 10), "headers without media are sent by Close")
		assert.EqualValues(t, 6, assertPublisherStats(t, p).Sent)
	})
}

func TestPublisherWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var got recorder
		server := n.serve("target", testserver.Config{OnMessage: got.take})
		defer server.Close()
		p := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options()}
		p.Start()
		synctest.Wait()
		for b := testserver.Sample; len(b) > 0; b = b[min(1000, len(b)):] {
			_, err := p.Write(b[:min(1000, len(b))])
			require.NoError(t, err)
			synctest.Wait()
		}
		require.NoError(t, p.Close())
		tags := got.taken()
		want := sampleTags(t)
		require.Len(t, tags, len(want))
		for i, tag := range tags {
			require.True(t, tag.Type == flv.TagScript || bytes.Equal(want[i].Body, tag.Body), "tag %d", i)
		}
	})
	_, err := new(Publisher).Write([]byte("certainly not an FLV file"))
	assert.Error(t, err)
}

func reconnectTo(t *testing.T, tcURL string) chunk.Outgoing {
	t.Helper()
	info := append(message.StatusObject("status", message.CodeConnectReconnectRequest, "moving"), amf.Property{Name: "tcUrl", Value: tcURL})
	o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "onStatus", Args: []any{info}})
	require.NoError(t, err)
	return o
}

// TestMoved checks that a Publisher with FollowReconnect follows a server's request to reconnect, and uses the new server for one
// connection only.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var first, second, elsewhere recorder
		var sessions [2]*testserver.Session
		one := n.serve("first", testserver.Config{OnMessage: first.take, OnConnect: func(s *testserver.Session) { sessions[0] = s }})
		two := n.serve("second", testserver.Config{OnMessage: second.take, OnConnect: func(s *testserver.Session) { sessions[1] = s }})
		three := n.serve("third", testserver.Config{OnMessage: elsewhere.take})
		defer three.Close()
		var seen events
		o := n.options()
		p := &Publisher{URLs: []string{"rtmp://first/live/key"}, Options: o, OnEvent: seen.add}
		e := newEncoder(t)
		write(t, p, e, 20*time.Second)
		require.NoError(t, sessions[0].Send(reconnectTo(t, "rtmp://third/live"))) // to another host, which is not allowed
		write(t, p, e, 20*time.Second)
		assert.Empty(t, elsewhere.taken())
		require.NoError(t, p.Close())
		assert.NotContains(t, seen.kinds(), Moved)

		o.FollowReconnect = rtmp.FollowAny
		p = &Publisher{URLs: []string{"rtmp://first/live/key"}, Options: o, OnEvent: seen.add}
		write(t, p, e, 20*time.Second)
		first.taken()
		require.NoError(t, sessions[0].Send(reconnectTo(t, "rtmp://second/live")))
		write(t, p, e, 20*time.Second)
		assertDecodable(t, second.taken())
		assert.Contains(t, seen.kinds(), Moved)
		first.taken()
		two.Close()
		write(t, p, e, 20*time.Second)
		assertDecodable(t, first.taken())
		require.NoError(t, p.Close())
		one.Close()
	})
}

// movingPublisher is a Publisher that publishes on the first of two servers, which can ask it to reconnect.
type movingPublisher struct {
	n             network
	first, second recorder
	asked         atomic.Pointer[testserver.Session] // the latest session of the first server
	seen          events
	p             *Publisher
}

// start starts the first server.
func (m *movingPublisher) start() *testserver.Server {
	one := m.n.serve("first", testserver.Config{OnMessage: m.first.take, OnConnect: func(s *testserver.Session) { m.asked.Store(s) }})
	o := m.n.options()
	o.FollowReconnect = rtmp.FollowAny
	m.p = &Publisher{URLs: []string{"rtmp://first/live/key"}, Options: o, OnEvent: m.seen.add}
	return one
}

// ask asks the Publisher to reconnect to the second server.
func (m *movingPublisher) ask(t *testing.T) {
	t.Helper()
	require.NoError(t, m.asked.Load().Send(reconnectTo(t, "rtmp://second/live")))
}

// TestPublisherMovesWithoutLoss checks that a Publisher sends to the old server until the next key frame after the new one accepts the
// stream, even if that takes a while, and that it connects to the new server at once if the old one hangs up.
func TestPublisherMovesWithoutLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m movingPublisher
		one := m.start()
		defer one.Close()
		e := newEncoder(t)
		write(t, m.p, e, 20*time.Second)
		m.ask(t)
		write(t, m.p, e, 7*time.Second)
		two := m.n.serve("second", testserver.Config{OnMessage: m.second.take})
		write(t, m.p, e, 20*time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Moved, Connected}, m.seen.kinds())
		before, after := m.first.taken(), m.second.taken()
		assert.Equal(t, "mvaK", describe(after, 4))
		assertEveryFrame(t, append(before, after...))
		assert.Zero(t, assertPublisherStats(t, m.p).Dropped)

		two.Close() // back to the first server
		write(t, m.p, e, 10*time.Second)
		assert.Equal(t, []EventKind{Down, Connecting, Connected}, m.seen.kinds())
		two = m.n.serve("second", testserver.Config{OnMessage: m.second.take})
		defer two.Close()
		write(t, m.p, e, time.Until(e.began.Add(time.Duration(length*6+100)*time.Millisecond))) // just after a key frame
		m.ask(t)
		write(t, m.p, e, time.Second)
		one.Close()
		write(t, m.p, e, 10*time.Second)
		assert.Equal(t, []EventKind{Moved, Connected}, m.seen.kinds())
		assertDecodable(t, m.second.taken())
		assert.EqualValues(t, 4, m.p.Stats().Connections)
		require.NoError(t, m.p.Close())
		assertPublisherStats(t, m.p)
	})
}

// TestPublisherMovesToTheSameServer checks a request to reconnect to the server that sends it, which refuses
// a second connection with the same name.
func TestPublisherMovesToTheSameServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var asked atomic.Pointer[testserver.Session]
		server := n.serve("first", testserver.Config{OnConnect: func(s *testserver.Session) { asked.Store(s) }})
		defer server.Close()
		var seen events
		p := &Publisher{URLs: []string{"rtmp://first/live/key"}, Options: n.options(), OnEvent: seen.add}
		e := newEncoder(t)
		write(t, p, e, 20500*time.Millisecond)
		require.NoError(t, asked.Load().Send(reconnectTo(t, "")))
		write(t, p, e, 20*time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Moved, Moved, Connecting, Connected}, seen.kinds())
		require.NoError(t, p.Close())
	})
}

// TestPlayerMoved checks that a Player follows a request to reconnect, and that its stream continues.
func TestPlayerMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var last atomic.Pointer[testserver.Session]
		server := n.serve("source", testserver.Config{OnConnect: func(s *testserver.Session) { last.Store(s) }})
		defer server.Close()
		defer onAir(t, &n, newEncoder(t))()
		var seen events
		p := &Player{URL: "rtmp://source/live/cam", Options: n.options(), OnEvent: seen.add}
		defer p.Close()
		synctest.Wait()
		tags := read(t, p, 20*time.Second)
		require.NoError(t, last.Load().Send(reconnectTo(t, "")))
		tags = append(tags, read(t, p, 20*time.Second)...)
		assert.Equal(t, []EventKind{Connecting, Connected, Playing, Moved, Connected, Playing}, seen.kinds())
		assertEveryFrame(t, tags)
		assertLine(t, tags)
		assertPlayerStats(t, p, len(tags))
	})
}

// TestPublisherLosesTheNewServer checks that a Publisher goes on with the old server if the new one is lost while the next key frame is
// awaited.
func TestPublisherLosesTheNewServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m movingPublisher
		one := m.start()
		defer one.Close()
		e := newEncoder(t)
		write(t, m.p, e, (length*2+100)*time.Millisecond) // just after a key frame
		two := m.n.serve("second", testserver.Config{OnMessage: m.second.take})
		m.ask(t)
		write(t, m.p, e, time.Second)
		two.Close()
		write(t, m.p, e, 10*time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Moved, Moved}, m.seen.kinds())
		two = m.n.serve("second", testserver.Config{OnMessage: m.second.take})
		defer two.Close()
		write(t, m.p, e, time.Minute)
		assert.Equal(t, []EventKind{Connected}, m.seen.kinds())
		assertEveryFrame(t, append(m.first.taken(), m.second.taken()...))
		assert.Zero(t, assertPublisherStats(t, m.p).Dropped)
		require.NoError(t, m.p.Close())
	})
}
