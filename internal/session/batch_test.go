package session

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

// raw appends n bytes that are not chunks.
func raw(n int) func([]byte, *chunk.Writer) ([]byte, error) {
	return func(dst []byte, _ *chunk.Writer) ([]byte, error) { return append(dst, make([]byte, n)...), nil }
}

// TestBatchGathers checks that a batch writes whenever it has gathered gatherSize bytes, and the rest at its end.
func TestBatchGathers(t *testing.T) {
	a, b := conntest.Pair(t)
	go io.Copy(io.Discard, b)
	client, _ := pairOn(t, a, b, Config{})
	written := &client.session.Counters().BytesWritten
	batch, err := client.session.Begin(nil)
	require.NoError(t, err)
	require.NoError(t, batch.Append(raw(gatherSize-1)))
	require.Zero(t, written.Load())
	require.NoError(t, batch.Append(raw(1)))
	require.EqualValues(t, gatherSize, written.Load())
	o := chunk.Outgoing{Type: 99, ChunkStreamID: 3, Body: make([]byte, gatherSize)}
	require.NoError(t, batch.Add(&o))
	const chunked = 12 + gatherSize + (gatherSize-1)/chunk.DefaultChunkSize
	require.EqualValues(t, gatherSize+chunked, written.Load())
	require.NoError(t, batch.Append(raw(1)))
	require.NoError(t, batch.End(nil))
	require.EqualValues(t, gatherSize+chunked+1, written.Load())
}

// TestBatchWithout checks that a batch leaves out a message that can't be encoded, and writes all others.
func TestBatchWithout(t *testing.T) {
	a, b := conntest.Pair(t)
	client, _ := pairOn(t, a, b, Config{})
	refused := errors.New("refused")
	batch, err := client.session.Begin(nil)
	require.NoError(t, err)
	require.NoError(t, batch.Append(raw(1)))
	require.ErrorIs(t, batch.Append(func([]byte, *chunk.Writer) ([]byte, error) { return make([]byte, 100), refused }), refused)
	require.Error(t, batch.Add(&chunk.Outgoing{Type: 99, ChunkStreamID: 1}), "no such chunk stream")
	require.NoError(t, batch.Append(raw(1)))
	require.ErrorIs(t, batch.End(refused), refused)
	require.EqualValues(t, 2, client.session.Counters().BytesWritten.Load())
	require.NoError(t, client.session.Err())
}

// TestBatchStops stops a Writer during a batch, and checks that the gathered bytes are still sent, so that the connection stays usable.
func TestBatchStops(t *testing.T) {
	a, b := conntest.Pair(t)
	go io.Copy(io.Discard, b)
	client, _ := pairOn(t, a, b, Config{})
	stopped := errors.New("stopped")
	who := new(limited)
	batch, err := client.session.Begin(who)
	require.NoError(t, err)
	who.err = stopped
	require.NoError(t, batch.Append(raw(gatherSize-1)))
	require.ErrorIs(t, batch.Append(raw(1)), stopped)
	require.EqualValues(t, gatherSize, client.session.Counters().BytesWritten.Load())
	require.NoError(t, batch.End(nil))
	require.NoError(t, client.session.Err())
}

// TestBatchStopsAfterALargeMessage stops a Writer in the middle of a large message. The Writer must stop, but only after the whole message
// was written.
func TestBatchStopsAfterALargeMessage(t *testing.T) {
	a, b := conntest.Pair(t)
	client, server := pairOn(t, a, b, Config{})
	stopped := errors.New("stopped")
	who := new(limited)
	batch, err := client.session.Begin(who)
	require.NoError(t, err)
	who.err = stopped
	o := picture(1, gatherSize)
	require.ErrorIs(t, batch.Add(&o), stopped)
	server.isPicture(t, 1, gatherSize)
	require.ErrorIs(t, batch.End(stopped), stopped)
	require.NoError(t, client.session.Err())
}

// TestPiecesShareOneGrace checks that all pieces of a message have one writeGrace after the limit of its Writer, not one each: a peer that
// reads slowly would make a write last long after its deadline.
func TestPiecesShareOneGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		client := newRole(a, Config{})
		var reading sync.WaitGroup
		defer reading.Wait()
		defer client.session.Close()
		reading.Go(func() {
			piece := make([]byte, 2*gatherSize)
			for {
				time.Sleep(writeGrace * 2 / 3)
				if _, err := b.Read(piece); err != nil {
					return
				}
			}
		})
		began := time.Now()
		batch, err := client.session.Begin(until(began.Add(writeGrace / 2)))
		require.NoError(t, err)
		o := picture(1, chunk.MaxMessageLength)
		var late *TimeoutError
		require.ErrorAs(t, batch.End(batch.Add(&o)), &late)
		require.Equal(t, writeGrace, time.Since(began))
		require.ErrorAs(t, client.session.Err(), &late)
	})
}
