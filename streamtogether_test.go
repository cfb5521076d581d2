package rtmp

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"testing"

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
	const streams, rounds, maxQueue = 4, 4000, 4 << 20
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
