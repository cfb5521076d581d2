package session

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// moves records the deadlines that are set on a socket.
type moves []time.Time

func (m *moves) set(t time.Time) error { *m = append(*m, t); return nil }

func TestDeadlineMovesOnlyWhenItMust(t *testing.T) {
	now := time.Now()
	var m moves
	d := deadline{set: m.set}
	d.hold(t)
	require.True(t, d.arm(time.Time{}))
	require.Empty(t, m, "never")
	require.True(t, d.arm(now.Add(time.Hour)))
	require.True(t, d.arm(now.Add(2*time.Hour)))
	require.Equal(t, moves{now.Add(time.Hour)}, m, "a later one: the socket's stays")
	require.True(t, d.arm(now.Add(time.Minute)))
	require.Len(t, m, 2, "an earlier one")
	require.True(t, d.rearm(now.Add(2*time.Hour)))
	require.Equal(t, now.Add(2*time.Hour), m[2], "it has ended an operation: moved whatever it was")
	require.True(t, d.rearm(time.Time{}))
	require.True(t, m[3].IsZero())
	require.False(t, d.rearm(now.Add(-time.Second)), "has passed")
	require.Len(t, m, 4)
}

func TestDeadlineInterrupts(t *testing.T) {
	var m moves
	d := deadline{set: m.set}
	me, other := new(int), new(int)
	d.hold(me)
	d.interrupt(other)
	require.Empty(t, m, "not who holds it")
	require.False(t, d.takeInterrupt())
	d.interrupt(me)
	require.Equal(t, moves{past}, m)
	require.False(t, d.rearm(time.Time{}), "an interruption is not lost")
	require.True(t, d.takeInterrupt())
	require.False(t, d.takeInterrupt(), "once")
	require.True(t, d.rearm(time.Time{}), "after a look")
	d.interrupt(me)
	require.False(t, d.arm(time.Now().Add(time.Hour)))
	d.hold(other)
	require.True(t, d.arm(time.Now().Add(time.Hour)), "another's")
	require.Equal(t, past, m[len(m)-1], "which the next operation finds and moves")
	require.True(t, d.rearm(time.Time{}))
	d.hold(nil)
	d.interrupt(other)
	d.interrupt(nil)
	require.True(t, m[len(m)-1].IsZero(), "nobody holds it")
	d.hold(me)
	d.interrupt(nil)
	require.True(t, d.takeInterrupt(), "whoever holds it")
}

// limited is a Writer whose limit changes.
type limited struct {
	mu   sync.Mutex
	due  time.Time
	err  error
	wake chan struct{}
}

func (l *limited) move(due time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due, l.err = due, err
}

func (l *limited) WriteLimit() (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.due, l.err
}

func (l *limited) WriteWake() <-chan struct{} { return l.wake }

// TestWriteThatBlocksEnds checks that a blocked write ends in time: by its Writer, its context or Config.Timeout.
func TestWriteThatBlocksEnds(t *testing.T) {
	stopped := errors.New("stopped")
	for name, test := range map[string]struct {
		write func(s *Session) error
		want  error
		after time.Duration
	}{
		"Config.Timeout": {func(s *Session) error { return s.Send(context.Background(), ping) }, os.ErrDeadlineExceeded, time.Minute},
		"a context": {func(s *Session) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return s.Send(ctx, ping)
		}, context.DeadlineExceeded, time.Second},
		"a deadline": {func(s *Session) error { return s.SendBy(time.Now().Add(time.Second), ping) }, os.ErrDeadlineExceeded, time.Second},
		"a Writer's deadline": {func(s *Session) error {
			return writeFor(s, &limited{due: time.Now().Add(time.Second)})
		}, os.ErrDeadlineExceeded, time.Second},
		"a Writer that is stopped": {func(s *Session) error {
			w := new(limited)
			time.AfterFunc(time.Second, func() { w.move(time.Time{}, stopped); s.InterruptWrite(w) })
			return writeFor(s, w)
		}, stopped, time.Second},
		"not before writeGrace is over": {func(s *Session) error {
			return writeFor(s, &limited{due: time.Now().Add(time.Millisecond)})
		}, os.ErrDeadlineExceeded, writeGrace},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := pair(t, Config{Timeout: time.Minute})
				began := time.Now()
				require.ErrorIs(t, test.write(client.session), test.want)
				require.Equal(t, test.after, time.Since(began))
				require.ErrorIs(t, client.session.Err(), test.want, "half a chunk may be out")
			})
		})
	}
}

var ping = Event(message.EventPingRequest, 1)

func writeFor(s *Session, w Writer) error {
	b, err := s.Begin(w)
	if err != nil {
		return err
	}
	o := ping
	return b.End(b.Add(&o))
}

// TestWriteLimitMoves changes a Writer's limit while its write is blocked, and checks that the new limit takes effect. An interrupt without
// a change must not end the write.
func TestWriteLimitMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		w := &limited{due: time.Now().Add(time.Minute)}
		time.AfterFunc(time.Second, func() { w.move(time.Time{}, nil); client.session.InterruptWrite(w) })
		time.AfterFunc(2*time.Second, func() { client.session.InterruptWrite(new(limited)) }) // interrupts another Writer
		time.AfterFunc(time.Hour, server.session.StartStanding)
		began := time.Now()
		require.NoError(t, writeFor(client.session, w))
		require.Equal(t, time.Hour, time.Since(began))
	})
}

// TestGivingUpBeforeTheLock checks a write that ends before it has taken the lock. It must send nothing, and must not end the connection.
func TestGivingUpBeforeTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		another, err := client.session.Begin(nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, client.session.Send(ctx, ping), context.DeadlineExceeded)
		require.ErrorIs(t, writeFor(client.session, &limited{due: time.Now().Add(time.Second)}), os.ErrDeadlineExceeded)
		require.NoError(t, another.End(nil))
		require.NoError(t, client.session.Err())
		server.session.StartStanding()
		_, err = client.call(context.Background(), "echo")
		require.NoError(t, err)
		require.EqualValues(t, 1, server.session.Counters().Messages.Load(), "the call")
	})
}

// TestCloseWrite checks that CloseWrite ends writing without ending the connection.
func TestCloseWrite(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	client.session.Leaving()
	require.True(t, client.session.CloseWrite(conntest.Context(t)))
	require.ErrorIs(t, client.session.Send(conntest.Context(t), ping), net.ErrClosed)
	require.NoError(t, client.session.Err())
	require.NoError(t, server.session.Send(conntest.Context(t), chunk.Outgoing{Type: 99, ChunkStreamID: 3}))
	var p message.Packet
	require.NoError(t, client.session.ReadPacket(conntest.Context(t), 0, &p))
	require.EqualValues(t, 99, p.Type)
	piped, _ := pair(t, Config{})
	require.False(t, piped.session.CloseWrite(conntest.Context(t)), "a pipe can't")
}
