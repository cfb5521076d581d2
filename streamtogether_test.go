package rtmp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestStreamsReadTogether reads each stream of a connection on its own goroutine while the server sends as fast as it can. Even on one
// processor, no goroutine may read so far ahead that the queues of the others overflow.
func TestStreamsReadTogether(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const streams, rounds, maxQueue = 4, 2000, 4 << 20 // the queue has room for half of the longest stream
	var want [streams][]byte
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Control(message.TypeSetChunkSize, message.AppendUint32(nil, 65536))
		for id := range uint32(streams) {
			p.AcceptStream(1 + id)
			p.Expect("play")
			p.StatusOn(1+id, message.CodePlayStart)
		}
		p.Expect("go")
		var all []byte
		for i := range uint32(rounds) {
			for id := range uint32(streams) {
				tag := flv.Tag{Type: flv.TagVideo, Timestamp: i, Body: bytes.Repeat([]byte{byte(i)}, 1000*int(1+id))}
				want[id] = flv.AppendTag(want[id], tag)
				all = append(all, p.Encode(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6 + id, StreamID: 1 + id,
					Timestamp: i, Body: tag.Body})...)
			}
		}
		p.Conn.Write(all)
		for id := range uint32(streams) {
			p.StatusOn(1+id, message.CodePlayStop)
		}
		p.UntilGone()
	})
	c := dialed(t, url, &Options{MaxQueue: maxQueue})
	var group sync.WaitGroup
	var got [streams][]byte
	var errs [streams]error
	for i := range streams {
		s, err := c.CreateStream(conntest.Context(t), nil)
		require.NoError(t, err)
		got[i] = make([]byte, rounds*1100*(1+i))
		group.Go(func() {
			n := 0
			n, errs[i] = io.ReadFull(s, got[i])
			got[i] = got[i][:n]
		})
	}
	_, err := c.CallWith(conntest.Context(t), CallOptions{NoReply: true}, "go")
	require.NoError(t, err)
	group.Wait()
	for i := range streams {
		assert.Equal(t, io.ErrUnexpectedEOF, errs[i], "the end of stream %d", i+1)
		_, tags, _ := bytes.Cut(got[i], flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true}))
		assert.True(t, bytes.Equal(want[i], tags), "stream %d", i+1)
	}
}

// TestReadPacketBesideEverything reads streams with ReadPacket, which keeps the right to read the connection between two calls, while deadlines
// and contexts end calls, and others read the connection, too. Each stream must receive all its messages in order.
func TestReadPacketBesideEverything(t *testing.T) {
	const streams, batches, batch = 3, 40, 50
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for id := range uint32(streams) {
			p.AcceptStream(1 + id)
			p.Expect("play")
			p.StatusOn(1+id, message.CodePlayStart)
		}
		p.Expect("go")
		for i := range uint32(batches) {
			var all []chunk.Outgoing
			for j := range uint32(batch * streams) {
				id, n := j%streams, batch*i+j/streams
				all = append(all, chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6 + id, StreamID: 1 + id, Timestamp: n,
					Body: bytes.Repeat([]byte{byte(n + id)}, 1+int(n*n%301))})
			}
			p.Send(all...)
		}
		for id := range uint32(streams) {
			p.StatusOn(1+id, message.CodePlayStop)
		}
		for cmd := p.Expect("echo"); cmd != nil; cmd = p.Expect("echo") {
			p.Call(0, "_result", cmd.TransactionID, nil)
		}
	})
	c, ctx := dialed(t, url, nil), conntest.Context(t)
	short := func(parent context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(parent, time.Duration(20+rand.IntN(180))*time.Microsecond)
	}
	var readers, others sync.WaitGroup
	for id := range uint32(streams) {
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		readers.Go(func() {
			var p Packet
			n, err := uint32(0), error(nil)
			for ctx.Err() == nil && err != io.EOF {
				limit, cancel := short(ctx)
				release := func() {}
				switch rand.IntN(8) {
				case 0:
					release = s.Bind(limit)
				case 1:
					s.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(200)) * time.Microsecond))
				default:
					s.SetReadDeadline(time.Time{})
				}
				err = s.ReadPacket(&p)
				release()
				cancel()
				if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || err == io.EOF {
					continue
				}
				want := bytes.Repeat([]byte{byte(n + id)}, 1+int(n*n%301))
				if !assert.NoError(t, err) || !assert.Equal(t, n, p.Timestamp) || !assert.Equal(t, want, p.Body) {
					return
				}
				n++
			}
			assert.EqualValues(t, batches*batch, n, "messages of stream %d", 1+id)
		})
	}
	life, end := context.WithCancel(ctx)
	other := func(f func(context.Context)) {
		others.Go(func() {
			for life.Err() == nil && c.Err() == nil {
				limit, cancel := short(life)
				f(limit)
				cancel()
				runtime.Gosched()
			}
		})
	}
	other(func(ctx context.Context) { c.ProcessPackets(ctx) })
	other(func(ctx context.Context) { c.RemoteMethod("echo")(ctx) })
	_, err := c.CallWith(ctx, CallOptions{NoReply: true}, "go")
	require.NoError(t, err)
	readers.Wait()
	end()
	others.Wait()
}
