package relay

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// onAir publishes the sample at rtmp://source/live/cam until stop is called.
func onAir(t *testing.T, n *network, e *encoder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Publisher{URLs: []string{"rtmp://source/live/cam"}, Options: n.options()}
	done := make(chan error, 1)
	go func() { done <- e.publish(ctx, p) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
		p.Close()
	}
}

func read(t *testing.T, p *Player, d time.Duration) (tags []flv.Tag) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	defer p.Bind(ctx)()
	for {
		var pkt rtmp.Packet
		if err := p.ReadPacket(&pkt); err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return tags
		}
		tags = append(tags, tagOf(&pkt))
	}
}

// assertLine asserts that the timestamps of each track never go back, and returns the greatest step between pictures.
func assertLine(t *testing.T, tags []flv.Tag) (longest time.Duration) {
	t.Helper()
	last := map[flv.TagType]uint32{}
	for i, tag := range tags {
		if flv.IsHeader(tag) {
			continue
		}
		before, known := last[tag.Type]
		require.GreaterOrEqual(t, tag.Timestamp, before, "tag %d", i)
		if step := tag.Timestamp - before; known && tag.Type == flv.TagVideo {
			longest = max(longest, time.Duration(step)*time.Millisecond)
		}
		last[tag.Type] = tag.Timestamp
	}
	return longest
}

func assertPlayerStats(t *testing.T, p *Player, delivered int) {
	t.Helper()
	s := p.Stats()
	assert.EqualValues(t, delivered, s.Delivered)
	assert.Equal(t, s.Received, s.Delivered+s.Repeated+s.Skipped)
}

func TestPlayerConnectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var seen events
		p := &Player{URL: "rtmp://source/live/cam", Options: n.options(), OnEvent: seen.add}
		defer p.Close()
		tags := read(t, p, 5*time.Second)
		assert.Empty(t, tags)
		assert.Equal(t, []EventKind{Connecting, Down, Connecting, Down}, seen.kinds()[:4])

		server := n.serve("source", testserver.Config{})
		stop := onAir(t, &n, newEncoder(t))
		tags = read(t, p, time.Minute)
		assert.Equal(t, []EventKind{Connected, Playing}, seen.kinds()[1:])
		assert.Equal(t, "mvaK", describe(tags, 4))
		assert.Zero(t, tags[0].Timestamp)
		server.Close()
		more := read(t, p, 10*time.Second)
		server = n.serve("source", testserver.Config{})
		more = append(more, read(t, p, time.Minute)...)
		kinds := seen.kinds()
		assert.Equal(t, []EventKind{Down, Connecting, Down}, kinds[:3])
		assert.Equal(t, []EventKind{Connected, Playing, Gap}, kinds[len(kinds)-3:])
		first := 0
		for ; more[first].Timestamp-tags[len(tags)-1].Timestamp < 1000; first++ {
		}
		assert.NotContains(t, describe(more[:first+50], 1000), "v", "headers had not changed")
		tags = append(tags, more...)
		gap := assertLine(t, tags)
		s := p.Stats()
		assert.EqualValues(t, 2, s.Connections)
		assert.EqualValues(t, 1, s.Gaps)
		assert.InDelta(t, s.Missing.Seconds(), gap.Seconds(), 3)
		assert.NotZero(t, s.Repeated)
		assertPlayerStats(t, p, len(tags))

		stop()
		read(t, p, 10*time.Second)
		assert.Contains(t, seen.kinds(), Unpublished)
		server.Close()
	})
}

// TestPlayerReportsWhy checks that a server without the stream is reported as Unpublished, not as Down.
func TestPlayerReportsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var seen events
		server := n.serve("source", testserver.Config{Apps: []string{"live"}})
		defer server.Close()
		p := &Player{URL: "rtmp://source/live/cam", Options: n.options(), OnEvent: seen.add}
		read(t, p, 31*time.Second)
		assert.Equal(t, []EventKind{Connecting, Connected, Unpublished}, seen.kinds()[:3])
		require.NoError(t, p.Close())

		o := n.options()
		o.Live = false
		p = &Player{URL: "rtmp://source/live/recording live=0", Options: o, OnEvent: seen.add} // StreamNotFound
		seen.kinds()
		read(t, p, time.Second)
		assert.Equal(t, []EventKind{Connecting, Unpublished}, seen.kinds()[:2])
		require.NoError(t, p.Close())

		p = &Player{URL: "rtmp://source/other/cam", Options: n.options(), OnEvent: seen.add}
		seen.kinds()
		read(t, p, 10*time.Second)
		assert.Equal(t, []EventKind{Connecting, Refused, Connecting, Refused}, seen.kinds()[:4])
		require.NoError(t, p.Close())

		p = &Player{URL: "rtmp://source/other/cam", Options: n.options(), OnEvent: seen.add, GiveUp: Denied}
		var refused *rtmp.StatusError
		require.ErrorAs(t, p.ReadPacket(new(rtmp.Packet)), &refused)
		require.ErrorAs(t, p.ReadPacket(new(rtmp.Packet)), &refused)
		require.NoError(t, p.Close())
		assert.Equal(t, []EventKind{Connecting, Refused}, seen.kinds()[:2])
	})
}

func TestPlayerThatCanNotBe(t *testing.T) {
	for _, p := range []*Player{{}, {URL: "http://x/y"}, {URL: "rtmp://x/y nonsense=1"}, {URL: "rtmp://x/y", Options: &rtmp.Options{ObjectEncoding: 7}}} {
		assert.Error(t, p.ReadPacket(new(rtmp.Packet)))
		assert.Error(t, p.ReadPacket(new(rtmp.Packet)))
		assert.NoError(t, p.Close())
	}
}

// TestPlayerStall checks that a Player closes the connection to a source that falls silent, and connects again.
func TestPlayerStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var seen events
		server := n.serve("source", testserver.Config{})
		defer server.Close()
		defer onAir(t, &n, newEncoder(t))()
		o := n.options()
		o.MediaTimeout = 5 * time.Second
		p := &Player{URL: "rtmp://source/live/cam", Options: o, OnEvent: seen.add}
		defer p.Close()
		tags := read(t, p, 20*time.Second)
		n.silent.Store(true)
		seen.kinds()
		tags = append(tags, read(t, p, 6*time.Second)...)
		assert.Equal(t, []EventKind{Down}, seen.kinds()[:1])
		tags = append(tags, read(t, p, time.Minute)...)
		n.silent.Store(false)
		tags = append(tags, read(t, p, 2*time.Minute)...)
		assertLine(t, tags)
		assertPlayerStats(t, p, len(tags))
		assert.InDelta(t, 206, p.Stats().Position.Seconds(), 4)
	})
}

func TestPlayerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		for _, serving := range []bool{false, true} { // the Player waits to reconnect, or for media
			if serving {
				defer n.serve("source", testserver.Config{}).Close()
			}
			p := &Player{URL: "rtmp://source/live/cam", Options: n.options()}
			done := make(chan error, 1)
			go func() {
				var err error
				for err == nil { // servers send some messages even if the stream is not published
					err = p.ReadPacket(new(rtmp.Packet))
				}
				done <- err
			}()
			synctest.Wait()
			require.NoError(t, p.Close())
			require.ErrorIs(t, <-done, net.ErrClosed)
			require.ErrorIs(t, p.ReadPacket(new(rtmp.Packet)), net.ErrClosed)
			require.NoError(t, p.Close())
		}
	})
}

func TestPlayerBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		server := n.serve("source", testserver.Config{})
		defer server.Close()
		defer onAir(t, &n, newEncoder(t))()
		p := &Player{URL: "rtmp://source/live/cam", Options: n.options()}
		defer p.Close()
		var tags []flv.Tag
		for range 200 {
			tags = append(tags, read(t, p, 100*time.Millisecond)...)
		}
		assert.LessOrEqual(t, assertLine(t, tags), 80*time.Millisecond)
		assert.EqualValues(t, 1, p.Stats().Connections)
		assert.Greater(t, len(tags), 20*(25+40))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		release := p.Bind(ctx)
		synctest.Wait()
		require.ErrorIs(t, p.ReadPacket(new(rtmp.Packet)), context.Canceled)
		release()
		require.NoError(t, p.ReadPacket(new(rtmp.Packet)))
	})
}

var _ io.Writer = (*Publisher)(nil)
