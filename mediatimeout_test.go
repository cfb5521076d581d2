package rtmp

import (
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// dribbled is a server that sends one picture at once, and the next one at a byte per second, with occasional pings.
func dribbled(p *peer) {
	p.AcceptPlayer()
	p.discard()
	p.Media(message.TypeVideo, 40, make([]byte, 50))
	next := p.Encode(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: 1, Timestamp: 80,
		Format: chunk.Format3, Body: make([]byte, 90)})
	for i := range next {
		time.Sleep(time.Second)
		p.Conn.Write(next[i : i+1])
	}
	time.Sleep(time.Hour)
}

// TestMediaTimeout checks that MediaTimeout ends a read from a server that sends single bytes, which Timeout does not.
func TestMediaTimeout(t *testing.T) {
	for name, read := range map[string]func(s *Stream) error{
		"ReadPacket": func(s *Stream) error { return s.ReadPacket(new(Packet)) },
		"Read":       func(s *Stream) error { _, err := s.Read(make([]byte, 1000)); return err },
		"WriteTo":    func(s *Stream) error { _, err := s.WriteTo(io.Discard); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, c := piped(t, Options{Timeout: 10 * time.Second, MediaTimeout: 20 * time.Second}, dribbled)
				_, err := c.Connect(ctx)
				require.NoError(t, err)
				s, err := c.CreateStream(ctx, nil)
				require.NoError(t, err)
				if name != "WriteTo" {
					require.NoError(t, read(s))
				}
				assert.Equal(t, 20*time.Second, elapsed(func() { err = read(s) }))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.NoError(t, c.Err(), "the connection lives, and the next one goes on")
				for tries := 0; err != nil && tries < 10; tries++ {
					err = s.ReadPacket(new(Packet))
				}
				require.NoError(t, err)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // a read deadline that is earlier takes precedence
		ctx, c := piped(t, Options{MediaTimeout: 20 * time.Second}, dribbled)
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, s.ReadPacket(new(Packet)))
		require.NoError(t, s.SetReadDeadline(time.Now().Add(5*time.Second)))
		assert.Equal(t, 5*time.Second, elapsed(func() { err = s.ReadPacket(new(Packet)) }))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

func TestMediaTimeoutLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages = 40
		ctx, c := piped(t, Options{MediaTimeout: 2 * time.Second}, func(p *peer) {
			p.AcceptPlayer()
			p.discard()
			for i := range messages {
				b := p.Encode(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: 1, Timestamp: uint32(i), Body: []byte{0x17, byte(i)}})
				for k := range b {
					p.Conn.Write(b[k : k+1])
					time.Sleep(300 * time.Millisecond)
				}
			}
			p.Status("NetStream.Play.Stop")
		})
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		var p Packet
		timeouts := 0
		for i := 0; i < messages; {
			if err := s.ReadPacket(&p); err != nil {
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				timeouts++
				continue
			}
			require.EqualValues(t, i, p.Body[1])
			i++
		}
		assert.Equal(t, 2*messages-1, timeouts, "each takes 4.2 seconds, and the first 3.9")
		require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
	})
}
