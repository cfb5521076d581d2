package session

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// queuedSound returns an audio message in the form in which a stream passes it to its queue.
func queuedSound(timestamp uint32, size int) *chunk.Outgoing {
	return &chunk.Outgoing{Type: uint8(message.TypeAudio), ChunkStreamID: ChunkStreamMedia, Timestamp: timestamp, Body: make([]byte, size)}
}

// soon returns a Writer with a deadline in a second.
func soon() Writer { return until(time.Now().Add(time.Second)) }

// forever is a Writer without a limit.
var forever = until{}

// TestSendQueueSends checks that queued messages are sent on the queue's message stream, with the chunk stream and the timestamp of each
// message.
func TestSendQueueSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		q := client.session.NewSendQueue(0)
		require.False(t, q.Drops())
		o := queuedSound(7, 1)
		o.Body[0], o.ChunkStreamID = 1, 9
		require.NoError(t, q.Enqueue(forever, o))
		o.Body[0], o.Timestamp = 2, 8 // the message was copied
		require.NoError(t, q.Enqueue(forever, o))
		require.Equal(t, 2*(queueHeaderSize+1), q.Unsent())
		require.ErrorIs(t, q.Drained(soon()), os.ErrDeadlineExceeded, "nobody sends yet")
		require.True(t, q.Start(5))
		require.ErrorIs(t, q.Drained(soon()), os.ErrDeadlineExceeded, "the sender has everything, but nobody reads")
		require.Equal(t, 2*(queueHeaderSize+1), q.Unsent())
		server.session.StartStanding()
		require.NoError(t, q.Drained(forever))
		require.Zero(t, q.Unsent())
		synctest.Wait()
		require.Len(t, server.received, 2)
		for i, p := range server.received {
			assert.Equal(t, message.Packet{Type: message.TypeAudio, Format: p.Format, ChunkStreamID: 9, StreamID: 5, Timestamp: uint32(7 + i),
				Absolute: true, Body: []byte{byte(1 + i)}}, p)
		}
		require.NoError(t, q.Enqueue(forever, o), "it goes on")
		require.NoError(t, q.Drained(forever))
	})
}

// TestSendQueueBlocks checks a queue that does not drop media. Enqueue must block beyond gatherLimit, but an empty queue must accept a
// message of any size.
func TestSendQueueBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		q := client.session.NewSendQueue(0)
		var refused *chunk.Error
		require.ErrorAs(t, q.Enqueue(forever, queuedSound(0, chunk.MaxMessageLength+1)), &refused)
		require.NoError(t, q.Enqueue(forever, queuedSound(0, 1000)))
		const rest = queueLimit - 1000 - queueHeaderSize
		require.ErrorIs(t, q.Enqueue(soon(), queuedSound(1, rest+1)), os.ErrDeadlineExceeded)
		require.NoError(t, q.Enqueue(soon(), queuedSound(2, rest)))
		require.ErrorIs(t, q.Enqueue(soon(), queuedSound(3, 0)), os.ErrDeadlineExceeded)
		server.session.StartStanding()
		require.True(t, q.Start(1))
		require.NoError(t, q.Enqueue(soon(), queuedSound(4, chunk.MaxMessageLength)), "there is room now")
		require.NoError(t, q.Drained(forever))
		synctest.Wait()
		require.Equal(t, []uint32{0, 2, 4}, server.times())
		require.NoError(t, client.session.Err())
	})
}

// TestSendQueueDrops checks that media that does not fit is dropped and counted.
func TestSendQueueDrops(t *testing.T) {
	client, _ := pair(t, Config{})
	q := client.session.NewSendQueue(2 * mediaQueued)
	require.True(t, q.Drops())
	put := func(m *Message, dropped uint64) {
		o := chunk.Outgoing{Type: uint8(m.Type), Timestamp: m.Timestamp, Body: m.Body}
		require.NoError(t, q.Enqueue(forever, &o))
		require.Equal(t, dropped, client.session.Counters().Dropped.Load())
	}
	put(keyFrame(0), 0)
	put(frame(1), 0)
	put(frame(2), 1)
	put(keyFrame(3), 3)
	require.False(t, client.session.NewSendQueue(0).Drops())
	require.True(t, client.session.NewSendQueue(1).Drops())
}

// TestSendQueueForgetsNobody checks that every call that waits for room continues after the queue has become empty.
func TestSendQueueForgetsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		q := client.session.NewSendQueue(0)
		require.NoError(t, q.Enqueue(forever, queuedSound(0, queueLimit)))
		results := make(chan error)
		for _, call := range []func() error{
			func() error { return q.Drained(forever) },
			func() error { return q.Drained(forever) },
			func() error { return q.Drained(forever) },
			func() error { return q.Enqueue(soon(), queuedSound(1, 1)) },
			func() error { return q.Enqueue(soon(), queuedSound(2, 1)) },
		} {
			go func() { results <- call() }()
			synctest.Wait()
		}
		server.session.StartStanding()
		require.True(t, q.Start(1))
		for range 5 {
			require.NoError(t, <-results)
		}
	})
}

// TestSendQueueEnds checks that a queue ends for all callers when a message in it could not be sent, when it was closed, and when the
// connection has ended. A stopped Writer must end only its own calls.
func TestSendQueueEnds(t *testing.T) {
	stopped := errors.New("stopped")
	for name, test := range map[string]struct {
		end  func(s *Session, q *SendQueue)
		want error
	}{
		"a bad message": {func(_ *Session, q *SendQueue) {
			bad := queuedSound(2, 1)
			bad.ChunkStreamID = 1
			q.Enqueue(forever, bad)
			<-q.Ended()
		}, &chunk.Error{}},
		"closed":               {func(_ *Session, q *SendQueue) { q.Finish(aSecond) }, net.ErrClosed},
		"the connection's end": {func(s *Session, _ *SendQueue) { s.Fail(stopped) }, stopped},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := pair(t, Config{})
				server.session.StartStanding()
				q, another := client.session.NewSendQueue(0), client.session.NewSendQueue(0)
				require.True(t, q.Start(1))
				require.True(t, another.Start(2))
				require.ErrorIs(t, q.Enqueue(&limited{err: stopped}, queuedSound(0, 1)), stopped)
				require.NoError(t, q.Enqueue(forever, queuedSound(1, 1)))
				require.NoError(t, q.Drained(forever))
				test.end(client.session, q)
				<-q.Ended()
				synctest.Wait()
				is := func(err error) {
					t.Helper()
					if _, bad := test.want.(*chunk.Error); bad {
						require.ErrorAs(t, err, new(*chunk.Error))
						return
					}
					require.ErrorIs(t, err, test.want)
				}
				is(q.Enqueue(forever, queuedSound(3, 1)))
				if client.session.Err() == nil {
					is(q.Drained(forever))
				}
				require.Equal(t, []uint32{1}, server.times())
				sending := &client.session.sending
				require.Zero(t, sending.busy.Load())
				if client.session.Err() == nil {
					require.Equal(t, []*SendQueue{another}, sending.all)
				}
				if name == "a bad message" {
					is(q.Finish(aSecond))
					require.NoError(t, client.session.Err())
				}
			})
		})
	}
}

// aSecond is the grace period of a Finish.
func aSecond() time.Duration { return time.Second }

// TestSendQueueFinish checks that Finish sends the queued messages while the network accepts bytes within each grace period, but no longer
// than Config.Timeout.
func TestSendQueueFinish(t *testing.T) {
	const grace, timeout, every, size = time.Second, 5 * time.Second, 600 * time.Millisecond, 12 + 50
	for name, test := range map[string]struct {
		takes []int // bytes that the peer reads at intervals of every
		after time.Duration
		err   error
	}{
		"nobody reads":   {nil, grace, os.ErrDeadlineExceeded},
		"it is slow":     {[]int{1, 1, 1, 1, 1, size - 5}, 6 * every, nil},
		"it stops":       {[]int{1}, 625*time.Millisecond + grace, os.ErrDeadlineExceeded}, // counted from the first check after the byte
		"it is too slow": {[]int{1, 1, 1, 1, 1, 1, 1, 1}, timeout, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				client := newRole(a, Config{Timeout: timeout})
				q := client.session.NewSendQueue(0)
				require.NoError(t, q.Enqueue(forever, queuedSound(0, 50)))
				require.True(t, q.Start(1))
				go func() {
					for _, n := range test.takes {
						time.Sleep(every)
						io.ReadFull(b, make([]byte, n))
					}
				}()
				began := time.Now()
				err := q.Finish(func() time.Duration { return grace })
				defer client.session.Close()
				require.Equal(t, test.after, time.Since(began))
				if test.err == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, test.err)
				require.ErrorIs(t, client.session.Err(), test.err)
			})
		})
	}
}

// TestSendQueueFinishWaitsForTheLock checks that Finish also waits for the write lock, within the same limits. The caller needs the lock
// afterwards, for the last commands of the stream.
func TestSendQueueFinishWaitsForTheLock(t *testing.T) {
	for _, after := range []time.Duration{time.Second / 2, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			client, _ := pair(t, Config{})
			q := client.session.NewSendQueue(0)
			another, err := client.session.Begin(nil)
			require.NoError(t, err)
			require.True(t, q.Start(1))
			time.AfterFunc(after, func() { another.End(nil) })
			began := time.Now()
			if err = q.Finish(aSecond); after > time.Second {
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				time.Sleep(after)
				return
			}
			require.NoError(t, err)
			require.Equal(t, after, time.Since(began))
		})
	}
}
