package server

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/message"
)

// TestGather checks that the reads of a publisher pause while its stream has no players, but not if the pause would delay players or the
// client.
func TestGather(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, c *Conn, p *publication)
		bytes  uint64 // bytes received in the last 50 ms
		pauses bool
	}{
		"unwatched":  {bytes: 20_000, pauses: true},
		"silent":     {pauses: true},
		"fast":       {bytes: 500_000},
		"just begun": {bytes: 20_000, change: func(t *testing.T, c *Conn, p *publication) { p.since = time.Now() }},
		"with a hook": {bytes: 20_000, change: func(t *testing.T, c *Conn, p *publication) {
			p.app.App = &App{Media: func(*Request, *message.Packet) bool { return true }}
		}},
		"of another kind":   {bytes: 20_000, change: func(t *testing.T, c *Conn, p *publication) { c.streams[2] = &netStream{conn: c, id: 2} }},
		"publishes no more": {bytes: 20_000, change: func(t *testing.T, c *Conn, p *publication) { delete(c.streams, 1) }},
		"being recorded": {bytes: 20_000, pauses: true, change: func(t *testing.T, c *Conn, p *publication) {
			t.Cleanup(p.pub.Subscribe().Close)
		}},
		"watched": {bytes: 20_000, change: func(t *testing.T, c *Conn, p *publication) {
			sub, err := c.server.hub.Subscribe("live/x", live.PlayOptions{})
			require.NoError(t, err)
			t.Cleanup(sub.Close)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, p := unwatched(t)
				if test.change != nil {
					test.change(t, d.Conn, p)
				}
				d.gather()
				d.session.Counters().BytesRead.Add(test.bytes)
				time.Sleep(50 * time.Millisecond)
				var marks []int
				d.gatherer.lowWater = func(n int) { marks = append(marks, n) }
				d.gatherer.timer = time.NewTimer(0)
				begin := time.Now()
				d.gather()
				if !test.pauses {
					assert.Zero(t, time.Since(begin))
					assert.Empty(t, marks)
					return
				}
				assert.Positive(t, time.Since(begin))
				assert.LessOrEqual(t, time.Since(begin), gatherMost)
				assert.Equal(t, []int{gatherBytes, 1}, marks, "the read after the pause must not wait for more than a byte")
			})
		})
	}
}

// TestGatherEnds checks that a pause ends with the connection.
func TestGatherEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := unwatched(t)
		d.gatherer.lowWater, d.gatherer.timer = func(int) {}, time.NewTimer(time.Hour)
		d.fail(net.ErrClosed)
		begin := time.Now()
		d.gather()
		assert.Zero(t, time.Since(begin))
	})
}

// unwatched returns a client that has published live/x for some time.
func unwatched(t *testing.T) (*dispatcher, *publication) {
	s := new(Server)
	s.init()
	nc, other := net.Pipe()
	t.Cleanup(func() { other.Close() })
	c := s.newConn(t.Context(), nc)
	c.start(0, &handshake.Result{})
	t.Cleanup(c.session.Close)
	pub, err := s.hub.Publish("live/x", live.PublishOptions{})
	require.NoError(t, err)
	t.Cleanup(s.hub.Close)
	st := &netStream{conn: c, id: 1}
	p := &publication{stream: st, app: application{App: new(App)}, request: new(Request), pub: pub, since: time.Now().Add(-time.Minute)}
	st.doing, c.streams[1] = p, st
	return &dispatcher{Conn: c}, p
}
