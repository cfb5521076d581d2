package server

import (
	"io"
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

// TestGather checks that the reads of a publisher pause while its stream has no players, but do not pause if this would delay players or
// the client.
func TestGather(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, d *dispatcher, p *publication)
		bytes  uint64 // bytes received in the last 50 ms
		pauses bool
	}{
		"unwatched":  {bytes: 20_000, pauses: true},
		"silent":     {pauses: true},
		"fast":       {bytes: 500_000},
		"just begun": {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) { p.since = time.Now() }},
		"with a hook": {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) {
			p.app.App = &App{Media: func(*Request, *message.Packet) bool { return true }}
		}},
		"has been woken":    {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) { d.gatherer.woken = true }},
		"stream closed":     {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) { p.stream.endIngest(io.EOF) }},
		"of another kind":   {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) { d.streams[2] = &netStream{conn: d.Conn, id: 2} }},
		"publishes no more": {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) { delete(d.streams, 1) }},
		"being recorded": {bytes: 20_000, pauses: true, change: func(t *testing.T, d *dispatcher, p *publication) {
			t.Cleanup(p.pub.Collect(1, time.Second).Close)
		}},
		"watched": {bytes: 20_000, change: func(t *testing.T, d *dispatcher, p *publication) {
			sub, err := d.server.hub.Subscribe("live/x", live.PlayOptions{})
			require.NoError(t, err)
			t.Cleanup(sub.Close)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, p := unwatched(t)
				d.gather()
				if test.change != nil {
					test.change(t, d, p)
				}
				d.session.Counters().BytesRead.Add(test.bytes)
				time.Sleep(50 * time.Millisecond)
				fake := &fakeLowWater{nc: d.nc}
				d.gatherer.lowWater = fake
				begin := time.Now()
				d.gather()
				if !test.pauses {
					assert.Zero(t, time.Since(begin))
					assert.Equal(t, fakeLowWater{nc: d.nc, cleared: 1}, *fake, "the read must not wait for more than a byte")
					return
				}
				assert.Positive(t, time.Since(begin))
				assert.LessOrEqual(t, time.Since(begin), gatherMost)
				assert.Equal(t, fakeLowWater{nc: d.nc, waited: 1}, *fake)
			})
		})
	}
}

// TestGatherEnds checks that a pause ends with the connection, and when the client has sent something. The read after that must not pause.
func TestGatherEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := unwatched(t)
		fake := &fakeLowWater{nc: d.nc, woken: true}
		d.gatherer.lowWater = fake
		for _, want := range [][2]int{{1, 0}, {1, 1}, {2, 1}} {
			d.gather()
			assert.Equal(t, want, [2]int{fake.waited, fake.cleared})
		}
		d.gatherer.woken, fake.woken = false, false
		d.fail(net.ErrClosed)
		begin := time.Now()
		d.gather()
		assert.Zero(t, time.Since(begin)) // whether the pause ended early or did not begin
	})
}

// fakeLowWater is a LowWater of a connection without a socket.
type fakeLowWater struct {
	nc              net.Conn
	woken           bool // whether Wait returns at once
	waited, cleared int
}

func (m *fakeLowWater) Wait(int) bool {
	m.waited++
	if !m.woken {
		m.nc.Read(make([]byte, 1))
	}
	return m.woken
}

func (m *fakeLowWater) Clear() { m.cleared++ }

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
	st.in = newIngest(&c.waiting)
	p := &publication{stream: st, in: st.in, app: application{App: new(App)}, request: new(Request), pub: pub, since: time.Now().Add(-time.Minute)}
	st.doing, c.streams[1] = p, st
	return &dispatcher{Conn: c}, p
}
