package session

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestTakeBufferedKeepsTheToken checks that a Waiter keeps the token as long as there are more messages than its Taker has room for, but not
// when another goroutine waits.
func TestTakeBufferedKeepsTheToken(t *testing.T) {
	client, _, p := buffered(t, Config{}, sounds(2, 3)...)
	c, w := client.session, p.waiter()
	for i, test := range []struct {
		waiting int32
		taken   []uint32
		keeps   bool
	}{
		{taken: []uint32{2}, keeps: true},
		{taken: []uint32{2, 3}, keeps: true},
		{waiting: 1, taken: []uint32{2, 3}},
		{taken: []uint32{2, 3, 4}}, // nothing is left
		{taken: []uint32{2, 3, 4}},
	} {
		p.room = len(p.taken) + 1
		c.token.waiting.Store(test.waiting)
		c.TakeBuffered(w)
		c.token.waiting.Store(0)
		require.Equal(t, test.taken, p.taken, "call %d", i)
		require.Equal(t, test.keeps, c.lessee.Load() == w, "call %d", i)
		require.Equal(t, test.keeps, c.token.taken.Load(), "call %d", i)
	}
}

// TestTakerGivesTheTokenBack checks that another goroutine can read while a Waiter keeps the token between two calls.
func TestTakerGivesTheTokenBack(t *testing.T) {
	client, _, p := buffered(t, Config{}, sounds(2, 3)...)
	p.room = 1
	client.session.TakeBuffered(p.waiter())
	require.Equal(t, []uint32{2}, p.taken)
	require.NoError(t, client.session.Read(&Waiter{What: "sound 3", Wake: client.news}))
	require.Contains(t, client.times(), uint32(3))
}

// TestTakeBufferedReleasesTheBuffer checks that a connection holds no read buffer after TakeBuffered has taken all messages.
func TestTakeBufferedReleasesTheBuffer(t *testing.T) {
	const connections, messages, readBuffer = 100, 20, 64 << 10
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what the first has moved out of the pools
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	var clients []*role
	for range connections {
		a, b := conntest.Pair(t)
		client, server := pairOn(t, a, b, Config{})
		require.NoError(t, server.session.Send(conntest.Context(t), sounds(1, messages)...))
		p := &player{want: 1, room: 1}
		require.NoError(t, p.read(client.session))
		p.room = messages
		client.session.TakeBuffered(p.waiter())
		require.Len(t, p.taken, messages)
		clients = append(clients, client)
	}
	assert.Less(t, (heap()-before)/connections, readBuffer/4*3, "bytes for each connection")
	runtime.KeepAlive(clients)
}

// sharedPlayer is a player with a lock.
type sharedPlayer struct {
	player
	mu sync.Mutex
}

func (p *sharedPlayer) Lock()   { p.mu.Lock() }
func (p *sharedPlayer) Unlock() { p.mu.Unlock() }

// TestTakerBesideReadPacket checks that each message is received once and in order, by a Taker or by ReadPacket, if both read at the same time.
func TestTakerBesideReadPacket(t *testing.T) {
	const count = 3000
	client, server := pair(t, Config{})
	c := client.session
	go func() {
		for i := range uint32(count / 10) {
			server.session.Send(conntest.Context(t), sounds(1+10*i, 10)...)
		}
		server.session.Fail(ErrClosed)
	}()
	var byPacket []uint32
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			var packet message.Packet
			if c.ReadPacket(conntest.Context(t), time.Minute, &packet) != nil {
				return
			}
			byPacket = append(byPacket, packet.Timestamp)
		}
	})
	p := new(sharedPlayer)
	w := &Waiter{What: "read", Sink: p, Taker: p}
	for err := error(nil); err == nil; {
		p.Lock()
		before := len(p.taken)
		p.want, p.room = before+1, before+1
		c.TakeBuffered(w)
		enough := p.Enough()
		p.Unlock()
		if !enough {
			err = c.Read(w)
		}
	}
	wg.Wait()
	assert.IsIncreasing(t, p.taken)
	if len(byPacket) > 1 {
		assert.IsIncreasing(t, byPacket)
	}
	assert.Equal(t, count, len(p.taken)+len(byPacket))
}
