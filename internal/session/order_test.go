package session

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// numbered returns an audio message with the given timestamp.
func numbered(n int) chunk.Outgoing {
	return Encode(message.TypeAudio, 1, uint32(n), []byte{0xAF, 1, byte(n)})
}

// event returns a message with a number that is sent at once.
func event(n int) chunk.Outgoing { return Event(message.EventStreamDry, uint32(n)) }

// numbers reads n packets at the other end, and returns their numbers. The numbers of messages made by event are negative.
func (r *role) numbers(t *testing.T, n int) (got []int) {
	for range n {
		var p message.Packet
		require.NoError(t, r.session.ReadPacket(conntest.Context(t), 0, &p))
		if p.Type == message.TypeAudio {
			got = append(got, int(p.Timestamp))
			continue
		}
		u, err := message.ParseUserControl(p.Body)
		require.NoError(t, err)
		got = append(got, -int(u.Value))
	}
	return got
}

// TestOrderOfAGoroutine checks that the messages of a goroutine are sent in order, even if several streams had queued media before them.
func TestOrderOfAGoroutine(t *testing.T) {
	for name, send := range map[string]func(*role, chunk.Outgoing) error{
		"Send":             func(r *role, o chunk.Outgoing) error { return r.session.Send(context.Background(), o) },
		"Post":             func(r *role, o chunk.Outgoing) error { return r.session.Post(context.Background(), false, o) },
		"Post with others": func(r *role, o chunk.Outgoing) error { return r.session.Post(context.Background(), true, o) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := conntest.Pair(t)
			client, server := pairOn(t, a, b, Config{})
			queues := []*SendQueue{client.session.NewSendQueue(0), client.session.NewSendQueue(1 << 20), client.session.NewSendQueue(0)}
			for _, q := range queues {
				require.True(t, q.Start(1))
			}
			const rounds = 300
			var want []int
			for n := 1; n < 2*rounds; n += 2 {
				want = append(want, n, -(n + 1))
			}
			var sending sync.WaitGroup
			sending.Go(func() {
				for n := 1; n < 2*rounds; n += 2 {
					o := numbered(n)
					assert.NoError(t, queues[n/2%len(queues)].Enqueue(until{}, &o))
					assert.NoError(t, send(client, event(n+1)))
				}
			})
			assert.Equal(t, want, server.numbers(t, 2*rounds))
			sending.Wait()
		})
	}
}

// TestWaitingForQueuedMediaEnds cancels the context of a call that waits for queued media. It checks that the call ends, that nothing is
// sent for it, and that the connection stays alive.
func TestWaitingForQueuedMediaEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		q := client.session.NewSendQueue(0)
		require.True(t, q.Start(1))
		o := numbered(1)
		require.NoError(t, q.Enqueue(until{}, &o))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range []error{client.session.Send(ctx, event(2)), client.session.Post(ctx, false, event(3))} {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		sent := make(chan error, 1)
		go func() { sent <- client.session.Send(t.Context(), event(4)) }()
		require.Equal(t, []int{1, -4}, server.numbers(t, 2))
		require.NoError(t, <-sent)
		go func() { sent <- client.session.Send(t.Context(), event(5)) }()
		require.Equal(t, []int{-5}, server.numbers(t, 1), "nothing is queued")
		require.NoError(t, <-sent)

		require.NoError(t, q.Enqueue(until{}, &o)) // nobody reads
		go func() { sent <- client.session.Send(context.Background(), event(6)) }()
		synctest.Wait()
		client.session.Close()
		require.ErrorIs(t, <-sent, ErrClosed)
	})
}

// TestPostDuringAWrite checks that Post leaves messages to a write in progress, and that it waits if too many messages have been posted.
func TestPostDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		sent := make(chan error, 1)
		go func() { sent <- client.session.Send(t.Context(), event(1)) }()
		synctest.Wait() // the write is in progress, and the peer does not read
		n := 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for ; ; n++ {
			require.Less(t, n, 10*maxPosted)
			if err := client.session.Post(ctx, n%2 == 0, event(n+1)); err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
		}
		require.Equal(t, 1+maxPosted, n)
		want := make([]int, n)
		for i := range want {
			want[i] = -(i + 1)
		}
		assert.Equal(t, want, server.numbers(t, n))
		require.NoError(t, <-sent)
	})
}

// TestWhatIsPosted checks that a message is posted only if there is room for it and the chunk writer is certain to accept it.
func TestWhatIsPosted(t *testing.T) {
	for name, test := range map[string]struct {
		o      chunk.Outgoing
		beside int // bytes that are posted already
		want   bool
	}{
		"the first chunk stream": {chunk.Outgoing{ChunkStreamID: 2}, 0, true},
		"no chunk stream":        {chunk.Outgoing{ChunkStreamID: 1}, 0, false},
		"the last chunk stream":  {chunk.Outgoing{ChunkStreamID: chunk.MaxChunkStreamID}, 0, true},
		"one too many":           {chunk.Outgoing{ChunkStreamID: chunk.MaxChunkStreamID + 1}, 0, false},
		"a chunk size":           {chunk.Outgoing{ChunkStreamID: 2, Type: uint8(message.TypeSetChunkSize)}, 0, false},
		"a long one":             {chunk.Outgoing{ChunkStreamID: 2, Body: make([]byte, maxPostedBytes)}, 0, true},
		"too long":               {chunk.Outgoing{ChunkStreamID: 2, Body: make([]byte, maxPostedBytes+1)}, 0, false},
		"they just fit":          {chunk.Outgoing{ChunkStreamID: 2, Body: make([]byte, maxPostedBytes-100)}, 100, true},
		"they do not fit":        {chunk.Outgoing{ChunkStreamID: 2, Body: make([]byte, maxPostedBytes-100)}, 101, false},
	} {
		var r replies
		r.add(chunk.Outgoing{Body: make([]byte, test.beside)}, &r.urgent)
		assert.Equal(t, test.want, r.post(test.o), name)
		assert.Equal(t, test.want, r.posted, name)
	}
}

// TestPostedThatCannotBeSent posts a message that cannot be sent. Unlike a reply, it must end the Session, since its sender waits for an
// answer.
func TestPostedThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, posted := range []bool{false, true} {
			client, server := pair(t, Config{Timeout: 10 * time.Second})
			sent := make(chan error, 1)
			go func() { sent <- client.session.SendReply(event(1)) }()
			synctest.Wait()
			if posted {
				require.NoError(t, client.session.Post(t.Context(), false, event(2)))
			} else {
				client.session.Reply(event(2))
			}
			require.Equal(t, []int{-1}, server.numbers(t, 1))
			require.NoError(t, <-sent)
			time.Sleep(time.Minute)
			synctest.Wait()
			var late *TimeoutError
			assert.Equal(t, posted, errors.As(client.session.Err(), &late))
			client.session.Close()
			server.session.Close()
		}
	})
}

// TestReplyLater checks that a deferred reply is sent before the data of the next write, or when the Session reads again.
func TestReplyLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		client.session.ReplyLater(event(1))
		client.session.FlushReplies()
		synctest.Wait()
		assert.Zero(t, client.session.Counters().BytesWritten.Load())
		var sending sync.WaitGroup
		sending.Go(func() { assert.NoError(t, client.session.Send(t.Context(), event(2))) })
		assert.Equal(t, []int{-1, -2}, server.numbers(t, 2))
		sending.Wait()
		client.session.ReplyLater(event(3))
		sending.Go(func() { assert.ErrorIs(t, client.session.Await(context.Background(), "nothing", nil), ErrClosed) })
		assert.Equal(t, []int{-3}, server.numbers(t, 1))
		client.session.Close()
		sending.Wait()
	})
}

// TestOneReadCompletesAllCalls checks that one read completes all calls whose answers it returns, so that their goroutines do not take
// turns reading.
func TestOneReadCompletesAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		const calls = 20
		var all [calls]Call
		var waiting sync.WaitGroup
		for i := range all {
			require.NoError(t, client.session.Register(&all[i], "ask", 0))
			waiting.Go(func() {
				assert.NoError(t, all[i].Wait(t.Context()))
				for k := range all {
					assert.True(t, i > 0 || all[k].IsDone(), "the answer to call %d was there", k)
				}
			})
			synctest.Wait() // the first call reads, and is answered first
		}
		var answers []chunk.Outgoing
		for i := range all {
			o, err := Command(ChunkStreamCommand, 0, &message.Command{Name: "_result", TransactionID: all[i].ID, Args: []any{1.0}})
			require.NoError(t, err)
			answers = append(answers, o)
		}
		answers = append(answers, numbered(1), numbered(2)) // messages that are not answers
		require.NoError(t, server.session.Send(t.Context(), answers...))
		waiting.Wait()
		assert.EqualValues(t, calls, client.session.Counters().Messages.Load())
		assert.Equal(t, []int{1, 2}, client.numbers(t, 2))
	})
}

// TestWaitingForMediaThatIsDropped checks that a call that waits for queued media continues if the queue drops all of that media.
func TestWaitingForMediaThatIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, Config{})
		const limit = 1000
		q := client.session.NewSendQueue(limit)
		require.True(t, q.Start(1))
		frame := func(first byte, n int) {
			o := Encode(message.TypeVideo, 1, 0, append([]byte{first, 1, 0, 0, 0}, make([]byte, n)...))
			require.NoError(t, q.Enqueue(until{}, &o))
		}
		frame(0x17, 10)
		synctest.Wait() // the frame is being written, and the peer does not read
		frame(0x27, limit/2)
		sent := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		go func() { sent <- client.session.Send(ctx, event(1)) }()
		synctest.Wait()
		frame(0x27, limit/2) // the queue drops this frame and the one before
		require.Equal(t, queueHeaderSize+5+10, q.Unsent(), "the frame that is being written")
		var p message.Packet
		require.NoError(t, server.session.ReadPacket(t.Context(), 0, &p))
		assert.Equal(t, []int{-1}, server.numbers(t, 1))
		require.NoError(t, <-sent)
	})
}

// TestPostBesideCloseWrite checks that CloseWrite writes the messages that were posted before it. After Leaving, a message that is posted
// after CloseWrite must not end the Session.
func TestPostBesideCloseWrite(t *testing.T) {
	a, b := conntest.Pair(t)
	wrapped := struct{ *net.TCPConn }{a} // hides the socket, so that another goroutine than that of Post must write
	client, server := pairOn(t, wrapped, b, Config{})
	client.session.Leaving()
	require.NoError(t, client.session.Post(t.Context(), true, event(1)))
	require.True(t, client.session.CloseWrite(t.Context()))
	require.NoError(t, client.session.Post(t.Context(), true, event(2)))
	require.NoError(t, server.session.Send(t.Context(), event(3)))
	assert.Equal(t, []int{-3}, client.numbers(t, 1))
	assert.Equal(t, []int{-1}, server.numbers(t, 1))
	var p message.Packet
	assert.ErrorIs(t, server.session.ReadPacket(t.Context(), 0, &p), io.ErrUnexpectedEOF)
}
