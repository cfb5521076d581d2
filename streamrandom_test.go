package rtmp

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
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

// TestStreamsReadAtRandom reads the streams of a connection at the same time, with slices of different sizes and deadlines that often pass.
// Some of the streams are closed early. It checks that no stream loses or changes a byte.
func TestStreamsReadAtRandom(t *testing.T) {
	const streams, messages = 8, 2000
	random := rand.New(rand.NewPCG(1, 2))
	var want [streams]bytes.Buffer
	for id := range want {
		want[id].Write(flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true}))
	}
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Control(message.TypeSetChunkSize, message.AppendUint32(nil, 65536))
		for id := range uint32(streams) {
			p.AcceptStream(1 + id)
			p.Expect("play")
			p.StatusOn(1+id, message.CodePlayStart)
		}
		var all []byte
		for i := range uint32(messages) {
			id := uint32(random.IntN(streams))
			size := 1 + random.IntN(3000)
			if random.IntN(100) == 0 {
				size *= 40
			}
			tag := flv.Tag{Type: flv.TagVideo, Timestamp: i, Body: bytes.Repeat([]byte{byte(i)}, size)}
			want[id].Write(flv.AppendTag(nil, tag))
			all = append(all, p.Encode(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6 + id, StreamID: 1 + id,
				Timestamp: i, Body: tag.Body})...)
		}
		p.Expect("go")
		for len(all) > 0 {
			n := min(len(all), 1+random.IntN(500_000))
			p.Conn.Write(all[:n])
			all = all[n:]
		}
		for id := range uint32(streams) {
			p.StatusOn(1+id, message.CodePlayStop)
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	var group sync.WaitGroup
	var got [streams]bytes.Buffer
	var errs [streams]error
	for i := range streams {
		s, err := c.CreateStream(conntest.Context(t), nil)
		require.NoError(t, err)
		random := rand.New(rand.NewPCG(3, uint64(i)))
		group.Go(func() {
			buf := make([]byte, 100_000)
			for errs[i] == nil {
				if i < 2 && got[i].Len() > 100_000 {
					s.Close()
				}
				due := time.Time{}
				if random.IntN(4) == 0 {
					due = time.Now().Add(time.Duration(random.IntN(300)) * time.Microsecond)
				}
				s.SetReadDeadline(due)
				n, err := s.Read(buf[:1+random.IntN(len(buf))])
				got[i].Write(buf[:n])
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					errs[i] = err
				}
			}
		})
	}
	_, err := c.CallWith(conntest.Context(t), CallOptions{NoReply: true}, "go")
	require.NoError(t, err)
	group.Wait()
	for i := range streams {
		all := want[i].Bytes()
		if i < 2 {
			assert.ErrorIs(t, errs[i], errStreamClosed)
			all = all[:got[i].Len()]
		} else {
			assert.Equal(t, io.EOF, errs[i], "the end of stream %d", i+1)
		}
		assert.True(t, bytes.Equal(all, got[i].Bytes()), "stream %d", i+1)
	}
}
