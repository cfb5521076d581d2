package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// picture returns a video message of size bytes, all of which differ from those of other pictures.
func picture(n, size int) chunk.Outgoing {
	return Encode(message.TypeVideo, 1, uint32(n), bytes.Repeat([]byte{byte(n)}, size))
}

// isPicture reads a message, which must be picture(n, size).
func (r *role) isPicture(t *testing.T, n, size int) {
	t.Helper()
	var p message.Packet
	require.NoError(t, r.session.ReadPacket(conntest.Context(t), 0, &p))
	require.Equal(t, message.TypeVideo, p.Type)
	require.EqualValues(t, n, p.Timestamp)
	require.Len(t, p.Body, size)
	require.Equal(t, size, bytes.Count(p.Body, []byte{byte(n)}))
}

func chunkSize(n uint32) chunk.Outgoing {
	return Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, n))
}

// TestLargeMessages sends messages just below and just above the sizes at which Enqueue sends them at once, or in pieces. It checks that
// they arrive complete and in order, and that the caller may change the body as soon as Enqueue has returned.
func TestLargeMessages(t *testing.T) {
	for _, size := range []uint32{1, 128, 4096, gatherSize, 1 << 20} {
		a, b := conntest.Pair(t)
		client, server := pairOn(t, a, b, Config{})
		q := client.session.NewSendQueue(0)
		require.True(t, q.Start(1))
		require.NoError(t, client.session.Send(conntest.Context(t), chunkSize(size)))
		var p message.Packet
		require.NoError(t, server.session.ReadPacket(conntest.Context(t), 0, &p))
		sizes := []int{1, sendNowSize - 1, sendNowSize, gatherSize - 1, 1, gatherSize, gatherSize + 1, 2 * gatherSize, 2*gatherSize + 1, 3<<19 + 7}
		var sending sync.WaitGroup
		sending.Go(func() {
			for n, size := range sizes {
				o := picture(n, size)
				assert.NoError(t, q.Enqueue(forever, &o))
				clear(o.Body)
			}
		})
		for n, size := range sizes {
			server.isPicture(t, n, size)
		}
		sending.Wait()
	}
}

// TestLargeMessageThatDoesNotFit sends a message that is larger than the buffers of the sockets. It checks that Enqueue returns before the
// peer has read the message, that the sender sends the rest, and that later messages follow it.
func TestLargeMessageThatDoesNotFit(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	q := client.session.NewSendQueue(0)
	require.True(t, q.Start(1))
	large := picture(2, chunk.MaxMessageLength)
	for _, o := range []chunk.Outgoing{picture(1, 10), large, picture(3, queueLimit/2)} {
		require.NoError(t, q.Enqueue(forever, &o))
	}
	clear(large.Body)
	sent := make(chan error, 2)
	go func() {
		sent <- client.session.Send(context.Background(), event(4))
		o := picture(5, sendNowSize)
		sent <- q.Enqueue(forever, &o)
	}()
	server.isPicture(t, 1, 10)
	server.isPicture(t, 2, chunk.MaxMessageLength)
	server.isPicture(t, 3, queueLimit/2)
	require.Equal(t, []int{-4}, server.numbers(t, 1))
	server.isPicture(t, 5, sendNowSize)
	require.NoError(t, <-sent)
	require.NoError(t, <-sent)
	require.NoError(t, q.Finish(aSecond))
}

// TestLargeMessageIsLost checks that the Session ends if the rest of a message that Enqueue has accepted can't be sent.
func TestLargeMessageIsLost(t *testing.T) {
	a, b := conntest.Pair(t)
	client := newRole(a, Config{Timeout: time.Minute, Peer: "server"})
	defer client.session.Close()
	q := client.session.NewSendQueue(0)
	require.True(t, q.Start(1))
	o := picture(1, chunk.MaxMessageLength)
	require.NoError(t, q.Enqueue(forever, &o))
	b.Close()
	select {
	case <-client.session.Done():
	case <-conntest.Context(t).Done():
		t.Fatal("the loss was not noticed")
	}
	var lost *LostError
	require.ErrorAs(t, client.session.Err(), &lost)
	<-q.Ended()
	require.ErrorAs(t, q.Finish(aSecond), &lost)
}

// TestLargeMessageAfterABadOne checks that the error of a queued message ends the queue for all callers, even if it was a call with a large
// message that tried to send it: what was queued after it is lost.
func TestLargeMessageAfterABadOne(t *testing.T) {
	a, b := conntest.Pair(t)
	client, _ := pairOn(t, a, b, Config{})
	q := client.session.NewSendQueue(0)
	bad, small, large := picture(1, 10), picture(2, 10), picture(3, sendNowSize)
	bad.ChunkStreamID = 1
	require.NoError(t, q.Enqueue(forever, &bad))
	require.NoError(t, q.Enqueue(forever, &small))
	var refused *chunk.Error
	require.ErrorAs(t, q.Enqueue(forever, &large), &refused)
	require.True(t, q.Start(1))
	<-q.Ended()
	require.ErrorAs(t, q.Enqueue(forever, &small), &refused)
	require.ErrorAs(t, q.Finish(aSecond), &refused)
	require.NoError(t, client.session.Err())
}

// TestLargeMessagesOfManyGoroutines sends small and large messages and calls from several goroutines. It checks that those of each goroutine
// arrive in order and whole.
func TestLargeMessagesOfManyGoroutines(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	q := client.session.NewSendQueue(0)
	require.True(t, q.Start(1))
	const senders, rounds = 4, 60
	sizes := []int{10, sendNowSize, 700, gatherSize + 5, 3 * gatherSize}
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for n := range rounds {
				id := sender*rounds + n
				if n%7 == 6 {
					assert.NoError(t, client.session.Post(context.Background(), n%2 == 0, event(id)))
					continue
				}
				o := picture(id, sizes[n%len(sizes)])
				assert.NoError(t, q.Enqueue(forever, &o))
				clear(o.Body)
			}
		})
	}
	var next [senders]int
	for range senders * rounds {
		var p message.Packet
		require.NoError(t, server.session.ReadPacket(conntest.Context(t), 0, &p))
		id := int(p.Timestamp)
		if p.Type == message.TypeVideo {
			require.Len(t, p.Body, sizes[id%rounds%len(sizes)])
			require.Equal(t, len(p.Body), bytes.Count(p.Body, []byte{byte(id)}))
		} else {
			u, err := message.ParseUserControl(p.Body)
			require.NoError(t, err)
			id = int(u.Value)
		}
		require.Equal(t, next[id/rounds], id%rounds)
		next[id/rounds]++
	}
	sending.Wait()
}

// TestPiecesInALargeBuffer writes a message in pieces. Its buffer is too large to be kept from one piece to the next.
func TestPiecesInALargeBuffer(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	w := &client.session.writer
	w.box, w.buf = new([]byte), make([]byte, 0, keepBatchBuffer+1)
	batch, err := client.session.Begin(nil)
	require.NoError(t, err)
	written := make(chan error, 1)
	go func() {
		o := picture(1, 3*gatherSize)
		written <- batch.End(batch.Add(&o))
	}()
	server.isPicture(t, 1, 3*gatherSize)
	require.NoError(t, <-written)
}

// noticed is a Writer without a limit. It is signalled when a wait begins.
type noticed chan struct{}

func (n noticed) WriteLimit() (time.Time, error) {
	Signal(n)
	return time.Time{}, nil
}

func (n noticed) WriteWake() <-chan struct{} { return nil }

// TestDrainedBesideALargeMessage checks that Drained returns if another goroutine has just sent a large message by itself. The sender, which
// usually ends such waits, then has nothing to do.
func TestDrainedBesideALargeMessage(t *testing.T) {
	sending, waits := make(chan struct{}), make(noticed, 1)
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{Sent: func(o chunk.Outgoing) {
		if len(o.Body) == sendNowSize {
			close(sending)
			<-waits
		}
	}})
	q := client.session.NewSendQueue(0)
	require.True(t, q.Start(1))
	drained := make(chan error, 1)
	go func() {
		<-sending
		drained <- q.Drained(waits)
	}()
	o := picture(1, sendNowSize)
	require.NoError(t, q.Enqueue(forever, &o))
	server.isPicture(t, 1, sendNowSize)
	select {
	case err := <-drained:
		require.NoError(t, err)
	case <-conntest.Context(t).Done():
		t.Fatal("Drained did not return")
	}
}
