package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestCallsBothWays makes many calls at once in both directions, and checks that every answer reaches its caller.
func TestCallsBothWays(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	client.session.StartStanding()
	server.session.StartStanding()
	var calling sync.WaitGroup
	for _, end := range []*role{client, server} {
		for caller := range 8 {
			calling.Go(func() {
				for n := range 50 {
					want := float64(caller*1000 + n)
					got, err := end.call(conntest.Context(t), "echo", want)
					if !assert.NoError(t, err) || !assert.Equal(t, []any{want}, got) {
						return
					}
				}
			})
		}
	}
	calling.Wait()
	require.Zero(t, client.session.PendingCalls())
	require.Zero(t, server.session.PendingCalls())
}

// TestPingFlood makes both ends send pings without reading until the connection is full. There must be no deadlock, and unanswered pings
// must be counted.
func TestPingFlood(t *testing.T) {
	var seen atomic.Uint64 // number of pings received at both ends
	count := func(m *Message) (bool, error) {
		if u, err := message.ParseUserControl(m.Payload()); err == nil && m.Type == message.TypeUserControl && u.Event == message.EventPingRequest {
			seen.Add(1)
		}
		return false, nil
	}
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{Tap: count})
	client.session.StartStanding()
	server.session.StartStanding()
	var flooding sync.WaitGroup
	const pings = 100_000
	for _, end := range []*role{client, server} {
		flooding.Go(func() {
			batch, err := end.session.Begin(nil)
			if !assert.NoError(t, err) {
				return
			}
			o := Event(message.EventPingRequest, 1)
			for range pings {
				assert.NoError(t, batch.Add(&o))
			}
			assert.NoError(t, batch.End(nil))
		})
	}
	flooding.Wait()
	for _, end := range []*role{client, server} {
		_, err := end.call(conntest.Context(t), "echo")
		require.NoError(t, err)
	}
	require.EqualValues(t, 2*pings, seen.Load())
}

// TestRepliesAreBounded checks that replies that the peer does not read are bounded, and that the connection stays alive.
func TestRepliesAreBounded(t *testing.T) {
	client, _ := pair(t, Config{})
	for range MaxReplies + 5 {
		require.NoError(t, client.session.ReplyCommand(&message.Command{Name: "pong"}))
	}
	require.EqualValues(t, 5, client.session.Counters().Unanswered.Load())
	require.NoError(t, client.session.Err())
}

// TestClose checks that Close ends all waits and writes with ErrClosed, and joins every goroutine.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		client.session.StartStanding()
		results := make(chan error, 3)
		go func() { results <- client.session.Await(context.Background(), "nothing", nil) }()
		go func() { _, err := client.call(context.Background(), "echo"); results <- err }() // the server does not read
		go func() { results <- client.session.Send(context.Background(), Event(message.EventPingRequest, 1)) }()
		synctest.Wait()
		client.session.Close()
		for range 3 {
			require.ErrorIs(t, <-results, net.ErrClosed)
		}
		require.ErrorIs(t, client.session.Err(), net.ErrClosed)
		require.False(t, client.session.Own(func() {}))
		err := server.session.Await(context.Background(), "nothing", nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.ErrorContains(t, err, "the client closed the connection")
		client.session.Close()
	})
}

// TestEndedChoosesTheError checks that the Session and its pending calls return the error that Dispatcher.Ended has chosen.
func TestEndedChoosesTheError(t *testing.T) {
	client, _ := pair(t, Config{})
	k, err := client.session.NewCall("ask", 0)
	require.NoError(t, err)
	chosen := errors.New("chosen")
	calls := 0
	client.ended = func(err error) error {
		calls++
		require.ErrorIs(t, err, io.EOF)
		return chosen
	}
	require.ErrorIs(t, client.session.Fail(io.EOF), chosen)
	require.ErrorIs(t, client.session.Fail(io.ErrShortWrite), chosen)
	require.Equal(t, 1, calls)
	_, err = k.Answer()
	require.ErrorIs(t, err, chosen)
	require.ErrorContains(t, err, "ask")
}

// TestReadPacketBesideTheStandingReader checks that ReadPacket takes precedence over the standing reader. It must return every message
// before the message is dispatched, and HandlePacket must dispatch the message.
func TestReadPacketBesideTheStandingReader(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	client.session.StartStanding()
	for n := range uint32(50) {
		got := make(chan message.Packet, 1)
		ctx := conntest.Context(t)
		go func() {
			var p message.Packet
			assert.NoError(t, client.session.ReadPacket(ctx, 0, &p))
			got <- p
		}()
		reads := func() bool { // reads reports whether the test, rather than the standing reader, reads
			d := &client.session.reader.deadline
			d.mu.Lock()
			defer d.mu.Unlock()
			w, ok := d.holder.(*Waiter)
			return ok && w.packet != nil
		}
		require.Eventually(t, reads, 10*time.Second, time.Millisecond)
		require.NoError(t, server.session.Send(ctx, Event(message.EventPingRequest, n)))
		p := <-got
		require.Equal(t, message.TypeUserControl, p.Type)
		require.NoError(t, client.session.HandlePacket(ctx, &p))
		var pong message.Packet
		require.NoError(t, server.session.ReadPacket(ctx, 0, &pong))
		require.Equal(t, message.AppendUserControl(nil, message.EventPingResponse, n), pong.Body)
	}
	_, err := server.call(conntest.Context(t), "echo")
	require.NoError(t, err, "the standing reader reads on")
}

// TestWaitsEnd checks that a wait for an answer ends with Config.Timeout or with its context, and that the connection stays alive.
func TestWaitsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{Timeout: time.Minute})
		began := time.Now()
		err := client.session.AwaitReply(context.Background(), "answer", nil)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		require.Equal(t, time.Minute, time.Since(began))

		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, client.session.AwaitReply(ctx, "answer", nil), context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(began))

		server.session.StartStanding() // this end answers
		got, err := client.call(context.Background(), "echo", "afterwards")
		require.NoError(t, err)
		require.Equal(t, []any{"afterwards"}, got)
		require.NoError(t, client.session.Err())
	})
}

// TestWhoWaitsReadsForAll checks that if two calls wait, one of them reads for both.
func TestWhoWaitsReadsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		server.session.StartStanding()
		ctx, cancel := context.WithCancel(context.Background())
		reading := make(chan error, 1)
		go func() { reading <- client.session.Await(ctx, "nothing", nil) }()
		synctest.Wait() // the waiter has the token
		got, err := client.call(context.Background(), "echo", 1.0)
		require.NoError(t, err)
		require.Equal(t, []any{1.0}, got)
		late := &Waiter{What: "turn", Sink: &player{want: 1}, Taker: &player{}, Idle: time.Second}
		for range 2 { // these calls wait while the first call reads
			began := time.Now()
			require.ErrorIs(t, client.session.Read(late), os.ErrDeadlineExceeded)
			require.Equal(t, time.Second, time.Since(began))
		}
		require.Zero(t, client.session.token.waiting.Load())
		cancel()
		require.ErrorIs(t, <-reading, context.Canceled)
		_, err = client.call(context.Background(), "echo", 2.0) // this call reads for itself
		require.NoError(t, err)
	})
}

// TestEndedIsTheEnd checks that Err already returns the error while Ended is being called.
func TestEndedIsTheEnd(t *testing.T) {
	client, _ := pair(t, Config{})
	told, found := make(chan struct{}), make(chan error)
	client.ended = func(err error) error {
		go func() {
			close(told)
			found <- client.session.Err()
		}()
		<-told
		return err
	}
	client.session.Fail(io.ErrClosedPipe)
	require.ErrorIs(t, <-found, io.ErrClosedPipe)
}

// TestHungUpComesFirst checks that Config.HungUp is called before a Session ends because the peer has closed the connection, and is not
// called in any other case. While HungUp waits, Err must not block.
func TestHungUpComesFirst(t *testing.T) {
	for name, end := range map[string]func(client, server *role){
		"the peer closes": func(_, server *role) { server.session.Close() },
		"we close":        func(client, _ *role) { client.session.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			hungUp := make(chan error, 1)
			var client, server *role
			client, server = pair(t, Config{HungUp: func(bool) { hungUp <- client.session.Err() }})
			client.session.StartStanding()
			end(client, server)
			<-client.session.Done()
			client.session.Close()
			if HungUp(client.session.Err()) {
				require.NoError(t, <-hungUp)
			}
			require.Equal(t, name == "the peer closes", HungUp(client.session.Err()))
			require.Empty(t, hungUp)
		})
	}
}

// TestNothingIsWrittenAfterAHangUp checks that no write begins once Config.HungUp is called, which therefore can ask the socket what has
// arrived, and that a write in progress is reported.
func TestNothingIsWrittenAfterAHangUp(t *testing.T) {
	for _, writing := range []bool{false, true} {
		t.Run(fmt.Sprintf("writing %v", writing), func(t *testing.T) {
			results := make(chan []any, 1)
			var client, server *role
			client, server = pair(t, Config{HungUp: func(writing bool) {
				before := client.session.Counters().BytesWritten.Load()
				o := picture(1, 100)
				err := client.session.Send(context.Background(), o)
				results <- []any{writing, HungUp(err), client.session.Counters().BytesWritten.Load() - before}
			}})
			if writing {
				client.session.writer.lock.try()
				defer func() { client.session.writer.lock.unlock() }()
			}
			client.session.StartStanding()
			server.session.Close()
			if writing {
				time.AfterFunc(2*stopGrace, func() { client.session.Fail(io.ErrClosedPipe) }) // ends the wait for the lock
				require.Equal(t, []any{true, false, uint64(0)}, <-results)
			} else {
				require.Equal(t, []any{false, true, uint64(0)}, <-results)
			}
		})
	}
}
