package session

import (
	"bytes"
	"io"
	"net"
	"os"
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

// pushed returns a message as chunks, in two buffers.
func pushed(timestamp uint32, body []byte) [][]byte {
	w := chunk.NewWriter()
	w.AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeSetChunkSize), ChunkStreamID: 2, Body: []byte{0, 1, 0, 0}})
	b, _ := w.AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: chunkStreamPushedVideo, StreamID: 1, Timestamp: timestamp, Body: body})
	return [][]byte{b[:12], b[12:]}
}

// TestPushedHeader checks that pushed media has its own chunk streams and full headers.
func TestPushedHeader(t *testing.T) {
	for typ, want := range map[message.Type]uint32{message.TypeAudio: 5, message.TypeDataAMF0: 5, message.TypeVideo: 7} {
		assert.Equal(t, chunk.Header{ChunkStreamID: want, StreamID: 1, Timestamp: 2, Length: 3, Type: uint8(typ)}, PushedHeader(typ, 1, 2, 3))
	}
	for id := range uint32(10) {
		assert.Equal(t, id == 5 || id == 7, IsPushed(id), id)
	}
}

// TestTryWritevKeepsTheRest checks that the bytes that the socket does not accept at once are sent later, and in order. No other message
// may be sent before the rest of a message.
func TestTryWritevKeepsTheRest(t *testing.T) {
	a, b := conntest.Pair(t)
	_, server := pairOn(t, a, b, Config{Progress: true, Timeout: 20 * time.Second})
	s := server.session
	require.NoError(t, s.Send(conntest.Context(t), Control(message.TypeSetChunkSize, []byte{0, 1, 0, 0})))
	body := bytes.Repeat([]byte{7}, 60_000)
	var sent uint32
	for ready := true; ready; sent++ {
		require.Less(t, sent, uint32(10_000))
		var ok bool
		ok, ready = s.TryWritev(pushed(sent, body))
		require.True(t, ok)
	}
	ok, _ := s.TryWritev(pushed(sent, body))
	require.False(t, ok, "something is left of before")
	s.Reply(ping)
	var writing sync.WaitGroup
	writing.Go(func() {
		s.FlushReplies() // does not wait
		assert.NoError(t, s.Writev(nil))
		assert.NoError(t, s.Writev(pushed(sent, body)))
	})
	in := chunk.NewReader(a, 0)
	var m chunk.Message
	pings := 0
	for next := uint32(0); next <= sent || pings == 0; {
		require.NoError(t, in.Next(&m))
		switch message.Type(m.Type) {
		case message.TypeVideo:
			require.Equal(t, next, m.Timestamp)
			require.True(t, bytes.Equal(body, m.Body()))
			next++
		case message.TypeUserControl:
			pings++
		}
	}
	writing.Wait()
	ok, ready := s.TryWritev(pushed(sent+1, body))
	assert.True(t, ok && ready, "everything has left: it goes on without waiting")
}

// TestPushWithoutASocket checks that TryWritev accepts nothing without a plain socket, and that Writev works.
func TestPushWithoutASocket(t *testing.T) {
	client, server := pair(t, Config{})
	ok, _ := server.session.TryWritev(pushed(0, []byte{1}))
	require.False(t, ok)
	done := make(chan error, 1)
	go func() { done <- server.session.Writev(pushed(5, []byte{1})) }()
	var p message.Packet
	require.NoError(t, client.session.ReadPacket(conntest.Context(t), 0, &p))
	assert.EqualValues(t, 5, p.Timestamp)
	require.NoError(t, <-done)
}

// TestProgress checks that with Config.Progress a write waits for a slow peer. A peer that reads nothing must be disconnected, even if only
// replies are pending.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, pieces = time.Minute, 5
		a, b := net.Pipe()
		_, server := pairOn(t, a, b, Config{Progress: true, Timeout: limit})
		s, piece := server.session, make([]byte, 1000)
		done := make(chan error, 1)
		go func() { done <- s.Writev([][]byte{make([]byte, pieces*len(piece))}) }()
		for range pieces {
			time.Sleep(limit * 2 / 3) // a slow peer
			_, err := io.ReadFull(a, piece)
			require.NoError(t, err)
		}
		require.NoError(t, <-done)
		err := s.SendReply(Control(message.TypeUserControl, make([]byte, 100_000)))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		<-s.Done()
		assert.ErrorIs(t, s.Err(), os.ErrDeadlineExceeded)
	})
}

// TestReplyLeavesOnce checks that a reply that Writev has sent is not sent again with the next batch.
func TestReplyLeavesOnce(t *testing.T) {
	a, b := conntest.Pair(t)
	_, server := pairOn(t, a, b, Config{})
	s := server.session
	s.Reply(ping)
	require.NoError(t, s.Writev(pushed(0, []byte{1})))
	batch, err := s.Begin(nil)
	require.NoError(t, err)
	o := Encode(message.TypeAudio, 1, 0, []byte{2})
	require.NoError(t, batch.End(batch.Add(&o)))
	in := chunk.NewReader(a, 0)
	var m chunk.Message
	for _, want := range []message.Type{message.TypeUserControl, message.TypeVideo, message.TypeAudio} {
		require.NoError(t, in.Next(&m))
		require.Equal(t, want, message.Type(m.Type))
	}
}
