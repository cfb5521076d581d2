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

// TestSendRefuses checks that Send sends the messages before the first one that can't be encoded, and that Config.Sent sees only those.
func TestSendRefuses(t *testing.T) {
	a, b := conntest.Pair(t)
	var sent []uint32
	client, server := pairOn(t, a, b, Config{Sent: func(o chunk.Outgoing) { sent = append(sent, o.Timestamp) }})
	sound := func(n uint32) chunk.Outgoing { return Encode(message.TypeAudio, 1, n, []byte{1}) }
	bad := sound(3)
	bad.ChunkStreamID = 1
	err := client.session.Send(conntest.Context(t), sound(1), sound(2), bad, sound(4))
	var refused *chunk.Error
	require.ErrorAs(t, err, &refused)
	require.NoError(t, client.session.Send(conntest.Context(t), sound(5)))
	require.Equal(t, []uint32{1, 2, 5}, sent)
	var p message.Packet
	for _, want := range sent {
		require.NoError(t, server.session.ReadPacket(conntest.Context(t), 0, &p))
		require.Equal(t, want, p.Timestamp)
	}
}

// TestStoppedBeforeTheLock stops a Writer that waits for the lock. The Writer must write nothing, even if nothing has woken it.
func TestStoppedBeforeTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := pair(t, Config{})
		another, err := client.session.Begin(nil)
		require.NoError(t, err)
		w, stopped, written := new(limited), errors.New("stopped"), make(chan error)
		go func() { written <- writeFor(client.session, w) }()
		synctest.Wait()
		w.move(w.due, stopped)
		require.NoError(t, another.End(nil))
		require.ErrorIs(t, <-written, stopped)
		require.NoError(t, client.session.Err())
	})
}

// TestWriteBuffers checks that a connection keeps only small write buffers, that the connection of a player keeps none, and that very large
// buffers are not returned to the pool.
func TestWriteBuffers(t *testing.T) {
	send := func(s *Session) error { return s.Send(context.Background(), ping) }
	batch := func(s *Session) error { return writeFor(s, nil) }
	push := func(s *Session) error { return s.Writev(pushed(0, nil)) }
	reply := func(s *Session) error { s.Reply(ping); s.FlushReplies(); return nil }
	for name, test := range map[string]struct {
		write  func(*Session) error
		size   int
		kept   bool
		shared bool
	}{
		"a message":                {send, keepWriteBuffer, true, false},
		"a message, larger":        {send, keepWriteBuffer + 1, false, true},
		"the largest that returns": {send, shareWriteBuffer, false, true},
		"larger than that":         {send, shareWriteBuffer + 1, false, false},
		"a batch":                  {batch, keepBatchBuffer, true, false},
		"a batch, larger":          {batch, keepBatchBuffer + 1, false, true},
		"a push":                   {push, 100, false, true},
		"a reply":                  {reply, 100, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := conntest.Pair(t)
			client, _ := pairOn(t, a, b, Config{})
			w, box := &client.session.writer, new([]byte)
			w.box, w.buf = box, make([]byte, 0, test.size)
			require.NoError(t, test.write(client.session))
			assert.Equal(t, test.kept, w.box != nil)
			assert.Equal(t, test.kept, cap(w.buf) == test.size)
			assert.Equal(t, test.shared, cap(*box) == test.size)
		})
	}
}

// TestTimeoutOfLargeWrites checks that a network that needs less than Config.Timeout for timedSize bytes is fast enough for any batch, and that
// one that needs more is not.
func TestTimeoutOfLargeWrites(t *testing.T) {
	for pause, want := range map[time.Duration]bool{20 * time.Second: true, 31 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			client := newRole(a, Config{Timeout: 30 * time.Second})
			var reading sync.WaitGroup
			defer reading.Wait()
			defer client.session.Close()
			reading.Go(func() {
				for piece := make([]byte, timedSize); ; {
					time.Sleep(pause)
					if _, err := io.ReadFull(b, piece); err != nil {
						return
					}
				}
			})
			batch, err := client.session.Begin(nil)
			require.NoError(t, err)
			err = batch.End(batch.Append(func(dst []byte, _ *chunk.Writer) ([]byte, error) {
				return append(dst, make([]byte, gatherSize)...), nil
			}))
			var late *TimeoutError
			require.Equal(t, want, err == nil, err)
			require.Equal(t, !want, errors.As(err, &late))
		})
	}
}
