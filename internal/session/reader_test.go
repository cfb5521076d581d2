package session

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// player is a Sink and a Taker. It waits for a number of messages, and has room for a number of messages.
type player struct {
	want, room int
	verdicts   map[uint32]Verdict // verdicts by timestamp; the default is Taken
	backlog    *Backlog

	offered, taken []uint32
	looked         int // how often Ready was called
	parked         chan bool
}

func (p *player) Ready() bool         { p.looked++; return p.Enough() }
func (p *player) Enough() bool        { return len(p.offered) >= p.want }
func (p *player) Lock()               {}
func (p *player) Unlock()             {}
func (p *player) Room() bool          { return len(p.taken) < p.room }
func (p *player) Deadline() time.Time { return time.Time{} }
func (p *player) Backlog() *Backlog   { return p.backlog }

func (p *player) Place(uint32, int) []byte { return nil }

func (p *player) Park(parked bool) {
	if p.parked != nil {
		p.parked <- parked
	}
}

func (p *player) Take(m *Message) Verdict {
	p.offered = append(p.offered, m.Timestamp)
	if v, special := p.verdicts[m.Timestamp]; special {
		return v
	}
	p.taken = append(p.taken, m.Timestamp)
	if !p.Room() {
		return Last
	}
	return Taken
}

func (p *player) read(s *Session) error {
	return s.Read(p.waiter())
}

// sounds returns audio messages with timestamps from first on, as one write.
func sounds(first, n uint32) (all []chunk.Outgoing) {
	for i := range n {
		all = append(all, Encode(message.TypeAudio, 1, first+i, []byte{0xaf, 1}))
	}
	return all
}

// times returns the timestamps of the dispatched messages.
func (r *role) times() (all []uint32) {
	for _, p := range r.received {
		all = append(all, p.Timestamp)
	}
	return all
}

// TestTaker checks that a Taker receives audio and video that has already been read, as far as it has room. All other messages must be
// dispatched.
func TestTaker(t *testing.T) {
	data := Encode(message.TypeDataAMF0, 1, 4, []byte{5})
	video := Encode(message.TypeVideo, 1, 5, []byte{0x17, 1})
	huge := Encode(message.TypeVideo, 1, 6, make([]byte, 2000))
	for name, test := range map[string]*struct {
		player     player
		more       []chunk.Outgoing // messages after sounds 1 to 3
		offered    []uint32
		dispatched []uint32
		messages   int
	}{
		"all at once":              {player: player{want: 1, room: 9}, offered: []uint32{1, 2, 3}, messages: 3},
		"as many as there is room": {player: player{want: 1, room: 2}, offered: []uint32{1, 2}, messages: 2},
		"pictures, too":            {player: player{want: 4, room: 9}, more: []chunk.Outgoing{video}, offered: []uint32{1, 2, 3, 5}, messages: 4},
		"but no data": {player: player{want: 4, room: 9}, more: []chunk.Outgoing{data, video}, offered: []uint32{1, 2, 3, 5},
			dispatched: []uint32{4}, messages: 5},
		"another's": {player: player{want: 3, room: 9, verdicts: map[uint32]Verdict{2: Declined}}, offered: []uint32{1, 2, 3},
			dispatched: []uint32{2}, messages: 3},
		"up to an error": {player: player{want: 1, room: 9}, more: []chunk.Outgoing{huge}, offered: []uint32{1, 2, 3}, messages: 3},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, Config{MaxMessageSize: 1000})
			go server.session.Send(conntest.Context(t), append(sounds(1, 3), test.more...)...)
			p := &test.player
			require.NoError(t, p.read(client.session))
			assert.Equal(t, test.offered, p.offered)
			assert.Equal(t, test.dispatched, client.times())
			assert.EqualValues(t, test.messages, client.session.Counters().Messages.Load())
		})
	}
}

// TestIdleReaderRefersToNoMessage checks that a Session does not refer to the memory of the last message when it is idle, and while it waits
// for the next one. The read buffer, of up to 256 KiB, could not be freed otherwise.
func TestIdleReaderRefersToNoMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		go server.session.Send(conntest.Context(t), sounds(1, 3)...)
		require.NoError(t, (&player{want: 3, room: 3}).read(client.session))
		assert.Zero(t, client.session.msg, "after reading")
		go server.session.Send(conntest.Context(t), sounds(4, 3)...)
		p := &player{want: 4, room: 4}
		assert.Error(t, client.session.Read(&Waiter{What: "read", Idle: time.Second, Sink: p, Taker: p}))
		require.Len(t, p.taken, 3)
		assert.Zero(t, client.session.msg, "while waiting")
	})
}

// TestTakerLater checks that a message for which a Taker returns Later is offered again in the next Read, and that Ready is not called
// while there are messages to take.
func TestTakerLater(t *testing.T) {
	client, server := pair(t, Config{})
	go server.session.Send(conntest.Context(t), sounds(1, 3)...)
	p := &player{want: 2, room: 2, verdicts: map[uint32]Verdict{2: Later}}
	require.NoError(t, p.read(client.session))
	require.Equal(t, []uint32{1, 2}, p.offered)
	p.want, p.verdicts, p.looked = 3, nil, 0
	require.NoError(t, p.read(client.session))
	require.Equal(t, []uint32{1, 2, 2}, p.offered)
	require.Zero(t, p.looked)
	require.EqualValues(t, 2, client.session.Counters().Messages.Load())
}

func (p *player) waiter() *Waiter { return &Waiter{What: "read", Sink: p, Taker: p} }

// buffered returns a client that has taken sound 1, and has read, but not yet handled, the messages after it.
func buffered(t *testing.T, config Config, after ...chunk.Outgoing) (client, server *role, p *player) {
	client, server = pair(t, config)
	go server.session.Send(conntest.Context(t), append(sounds(1, 1), after...)...)
	p = &player{want: 1, room: 1}
	require.NoError(t, p.read(client.session))
	require.Equal(t, []uint32{1}, p.taken)
	p.offered, p.taken, p.room = nil, nil, 9
	return client, server, p
}

// TestTakeBuffered checks that TakeBuffered takes what has already been read, dispatches nothing, and leaves the rest to Read, in order.
func TestTakeBuffered(t *testing.T) {
	data := Encode(message.TypeDataAMF0, 1, 4, []byte{5})
	huge := Encode(message.TypeVideo, 1, 6, make([]byte, 2000))
	for name, test := range map[string]struct {
		room     int
		verdicts map[uint32]Verdict
		after    []chunk.Outgoing // messages after sound 1
		taken    []uint32         // by TakeBuffered
		offered  []uint32         // by Read afterwards
		served   []uint32         // dispatched by Read
		fails    bool             // Read returns an error
	}{
		"one of two":       {room: 1, after: sounds(2, 2), taken: []uint32{2}, offered: []uint32{3}},
		"up to data":       {room: 9, after: append(append(sounds(2, 2), data), sounds(5, 1)...), taken: []uint32{2, 3}, offered: []uint32{5}, served: []uint32{4}},
		"only data":        {room: 9, after: append([]chunk.Outgoing{data}, sounds(5, 1)...), offered: []uint32{5}, served: []uint32{4}},
		"up to another's":  {room: 9, verdicts: map[uint32]Verdict{3: Declined}, after: sounds(2, 3), taken: []uint32{2}, offered: []uint32{3, 4}, served: []uint32{3}},
		"up to a long one": {room: 9, verdicts: map[uint32]Verdict{3: Later}, after: sounds(2, 3), taken: []uint32{2}, offered: []uint32{3}},
		"up to an error":   {room: 9, after: append(sounds(2, 1), huge), taken: []uint32{2}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			client, _, p := buffered(t, Config{MaxMessageSize: 1000}, test.after...)
			c := client.session
			p.room, p.verdicts = test.room, test.verdicts
			c.TakeBuffered(p.waiter())
			require.Equal(t, test.taken, p.taken)
			require.Empty(t, client.times())
			c.Recall()
			require.EqualValues(t, 1+len(test.taken), c.Counters().Messages.Load())
			p.offered, p.room, p.want = nil, 9, max(1, len(test.offered))
			err := p.read(c)
			if test.fails {
				var wrong *chunk.Error
				require.ErrorAs(t, err, &wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.offered, p.offered)
			assert.Equal(t, test.served, client.times())
		})
	}
}

// TestTakeBufferedGivesWay checks that TakeBuffered takes nothing if that might be wrong or unfair.
func TestTakeBufferedGivesWay(t *testing.T) {
	for name, prepare := range map[string]func(c *Session) (undo func()){
		"another reads": func(c *Session) func() {
			require.True(t, c.token.take())
			return c.token.give
		},
		"another waits": func(c *Session) func() {
			c.token.waiting.Add(1)
			return func() { c.token.waiting.Add(-1) }
		},
		"another's queue is full": func(c *Session) func() {
			full := c.NewBacklog(100, func() string { return "stream 2" })
			full.Queued(101)
			return func() { full.Queued(0) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, _, p := buffered(t, Config{}, sounds(2, 1)...)
			undo := prepare(client.session)
			client.session.TakeBuffered(p.waiter())
			require.Empty(t, p.offered)
			undo()
			client.session.TakeBuffered(p.waiter())
			require.Equal(t, []uint32{2}, p.taken)
		})
	}
	t.Run("the session has ended", func(t *testing.T) {
		client, _, p := buffered(t, Config{}, sounds(2, 1)...)
		client.session.Fail(io.ErrClosedPipe)
		client.session.TakeBuffered(p.waiter())
		require.Empty(t, p.offered)
	})
	t.Run("a Tap", func(t *testing.T) {
		client, server := pair(t, Config{Tap: func(*Message) (bool, error) { return false, nil }})
		go server.session.Send(conntest.Context(t), sounds(1, 2)...)
		p := &player{room: 9}
		require.NoError(t, client.session.Read(&Waiter{What: "sound 1", Wake: client.news}))
		require.Equal(t, []uint32{1}, client.times())
		client.session.TakeBuffered(p.waiter())
		require.Empty(t, p.offered)
		require.NoError(t, client.session.Read(&Waiter{What: "sound 2", Wake: client.news}))
		require.Equal(t, []uint32{1, 2}, client.times())
	})
}

// TestTakerBesideATap checks that Config.Tap sees messages that a Taker would otherwise take.
func TestTakerBesideATap(t *testing.T) {
	p := &player{want: 3, room: 9}
	refused := errors.New("refused")
	client, server := pair(t, Config{Tap: func(m *Message) (bool, error) {
		p.offered = append(p.offered, m.Timestamp)
		if m.Timestamp == 4 {
			return false, refused
		}
		return m.Timestamp != 3, nil
	}})
	go server.session.Send(conntest.Context(t), sounds(1, 4)...)
	require.NoError(t, p.read(client.session))
	require.Equal(t, []uint32{1, 2, 3, 4}, p.offered)
	require.Empty(t, p.taken)
	require.Equal(t, []uint32{3}, client.times(), "what the Tap has not served")
	require.ErrorIs(t, client.session.Err(), refused)
}

// answers are results of calls 1 and 2, a command in AMF3 and a sound, as one write.
func answers(t *testing.T) (all []chunk.Outgoing) {
	for id := range 2 {
		o, err := Command(ChunkStreamCommand, 0, &message.Command{Name: "_result", TransactionID: float64(id + 1)})
		require.NoError(t, err)
		all = append(all, o)
	}
	return append(append(all, Encode(message.TypeCommandAMF3, 1, 3, []byte{0})), sounds(4, 1)...)
}

// TestReadingForOthers reads until a call has received its answer. If other goroutines wait, the call must also handle the answers for them
// that have already been read. All other messages must stay in the buffer.
func TestReadingForOthers(t *testing.T) {
	for _, awaited := range []bool{false, true} {
		client, server := pair(t, Config{})
		c := client.session
		mine, err := c.NewCall("mine", 0)
		require.NoError(t, err)
		other, err := c.NewCall("other", 0)
		require.NoError(t, err)
		if awaited {
			c.token.waiting.Add(1)
			defer c.token.waiting.Add(-1)
		}
		go server.session.Send(conntest.Context(t), answers(t)...)
		require.NoError(t, mine.Wait(conntest.Context(t)))
		require.Equal(t, awaited, other.IsDone())
		if awaited {
			require.Equal(t, []uint32{3}, client.times())
		}
		require.NoError(t, other.Wait(conntest.Context(t)))
		var p message.Packet
		for _, want := range []uint32{3, 4}[len(client.times()):] {
			require.NoError(t, c.ReadPacket(conntest.Context(t), 0, &p), "one at a time")
			require.Equal(t, want, p.Timestamp)
		}
	}
}

// TestTakerOfALostConnection checks that a Read succeeds if the Taker received enough messages before the connection was lost.
func TestTakerOfALostConnection(t *testing.T) {
	client, _ := pair(t, Config{})
	client.session.Fail(io.ErrClosedPipe)
	require.NoError(t, (&player{want: 0}).read(client.session))
	require.ErrorIs(t, (&player{want: 1}).read(client.session), io.ErrClosedPipe)
}

// TestTakerIsParked checks that a Taker is parked while it waits for another reader. After its goroutine has got the token, the Taker must
// check whether the other reader has passed it media, before it reads.
func TestTakerIsParked(t *testing.T) {
	client, _ := pair(t, Config{})
	c := client.session
	require.True(t, c.token.take())
	p := &player{want: 1, parked: make(chan bool)}
	done := make(chan error)
	go func() { done <- p.read(c) }()
	require.True(t, <-p.parked)
	p.offered = append(p.offered, 1)
	c.token.give()
	require.False(t, <-p.parked)
	require.NoError(t, <-done, "although nothing arrives")
}

// TestBacklogStopsOthers checks that while a queue is full only its owner reads, and that other waiters get ErrBacklog unless their event
// has already happened.
func TestBacklogStopsOthers(t *testing.T) {
	client, server := pair(t, Config{})
	c := client.session
	full := c.NewBacklog(100, func() string { return "stream 1" })
	full.Queued(101)
	require.EqualError(t, c.Await(conntest.Context(t), "nothing", nil), ErrBacklog.Error()+": stream 1")
	other := &player{want: 1, backlog: c.NewBacklog(100, nil)}
	require.ErrorIs(t, other.read(c), ErrBacklog)
	came := make(chan struct{})
	close(came)
	require.True(t, c.token.take())
	_, err := c.readFor(&Waiter{What: "something", Wake: came}, true) // the event has happened between the last check and taking the token
	require.NoError(t, err)
	c.token.give()
	go server.session.Send(conntest.Context(t), sounds(1, 1)...)
	owner := &player{want: 1, backlog: full}
	require.NoError(t, owner.read(c))
	require.NoError(t, c.Err())
}

// TestSetMaxMessageSize checks that a raised limit applies to later reads.
func TestSetMaxMessageSize(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{MaxMessageSize: 1000})
	c, s := client.session, server.session
	send := func(size int) {
		require.NoError(t, c.Send(conntest.Context(t), chunk.Outgoing{Type: 99, ChunkStreamID: 3, Body: make([]byte, size)}))
	}
	var p message.Packet
	got := make(chan error, 1)
	go func() { got <- s.ReadPacket(conntest.Context(t), 0, &p) }() // this call is already reading when the limit is raised
	s.SetMaxMessageSize(100_000)
	send(50_000)
	require.NoError(t, <-got)
	send(200_000)
	err := s.ReadPacket(conntest.Context(t), 0, &p)
	var bad *chunk.Error
	assert.True(t, errors.As(err, &bad), "%v", err)
}

// TestAwaitTurnYields checks that a goroutine first yields to those that were woken before it, since one of them may have read its media.
func TestAwaitTurnYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that another goroutine runs only when this one yields
	client, _ := pair(t, Config{})
	r := &client.session.reader
	r.token.waiting.Add(1) // another goroutine waits for the token, which is free
	yielded := 0
	for range 10 {
		wake, p := make(chan struct{}, 1), new(player)
		go Signal(wake)
		got, err := r.awaitTurn(&Waiter{What: "read", Wake: wake, Sink: p, Taker: p})
		require.NoError(t, err)
		if got {
			r.token.give()
		} else {
			yielded++
		}
	}
	assert.Greater(t, yielded, 5, "not all, since the scheduler may choose this goroutine again")
}

// TestBeforeRead checks that BeforeRead is called before each read of the socket until it returns false.
func TestBeforeRead(t *testing.T) {
	calls := 0
	client, server := pair(t, Config{BeforeRead: func() bool { calls++; return calls < 2 }})
	for i := range uint32(3) {
		go server.session.Send(conntest.Context(t), sounds(i, 1)...)
		require.NoError(t, (&player{want: 1, room: 1}).read(client.session))
	}
	require.Equal(t, 2, calls)
}
