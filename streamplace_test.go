package rtmp

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

const (
	placeChunk   = 64 << 10
	placePicture = 3*placeChunk + 100
	placeSlice   = 2 * placeChunk
)

// placeReader is a way to read messages into memory of the caller. The results are FLV.
type placeReader struct {
	memory []byte
	read   func(s *Stream, memory []byte) ([]byte, error)
	skip   func(t *testing.T, s *Stream) // reads the two messages before the picture
}

var placeReaders = map[string]func() *placeReader{
	"Read": func() *placeReader {
		read := func(s *Stream, memory []byte) ([]byte, error) {
			n, err := s.Read(memory)
			return memory[:n], err
		}
		skip := func(t *testing.T, s *Stream) {
			_, err := io.ReadFull(s, make([]byte, len(flv.AppendFileHeader(nil, flv.FileHeader{}))+2*(2+flv.TagOverhead)))
			require.NoError(t, err)
		}
		return &placeReader{make([]byte, placeSlice), read, skip}
	},
	"ReadPacket": func() *placeReader {
		read := func(s *Stream, memory []byte) ([]byte, error) {
			p := Packet{Body: memory}
			if err := s.ReadPacket(&p); err != nil {
				return nil, err
			}
			return flv.AppendTag(nil, flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body}), nil
		}
		skip := func(t *testing.T, s *Stream) {
			for range 2 {
				require.NoError(t, s.ReadPacket(new(Packet)))
			}
		}
		return &placeReader{make([]byte, placePicture), read, skip}
	},
}

// placeServer sends two short messages. After each receive from next, it then goes on: with the first two chunks of picture, with event, and
// with the rest of picture.
func placeServer(t *testing.T, event string, picture []byte, sound flv.Tag, next <-chan struct{}) (url string) {
	return newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, placeChunk))
		p.Media(message.TypeVideo, 0, []byte{0x17, 0})
		p.Media(message.TypeAudio, 0, []byte{0xAF, 0})
		all := p.Encode(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 60, StreamID: 1, Timestamp: 10, Body: picture})
		rest := len(picture) - 2*placeChunk
		begin := len(all) - rest - (rest-1)/placeChunk - 1 // with a header of one byte for each chunk
		<-next
		p.Conn.Write(all[:begin])
		<-next
		switch event {
		case "lost":
			p.Conn.Close()
			return
		case "sound":
			p.Media(message.TypeAudio, sound.Timestamp, sound.Body)
			<-next
		}
		p.Conn.Write(all[begin:])
		p.UntilGone()
	})
}

// TestReadsToTheCallersMemory checks what can happen while a large picture is being read directly to the memory of the caller of Read or
// ReadPacket: the call ends, a message comes between the picture's chunks, or the connection is lost.
func TestReadsToTheCallersMemory(t *testing.T) {
	picture := make([]byte, placePicture)
	rand.NewChaCha8([32]byte{1}).Read(picture)
	sound := flv.Tag{Type: flv.TagAudio, Timestamp: 20, Body: []byte("sound")}
	want := flv.AppendTag(nil, flv.Tag{Type: flv.TagVideo, Timestamp: 10, Body: picture})
	for name, reader := range placeReaders {
		for _, event := range []string{"deadline", "sound", "lost"} {
			t.Run(name+", "+event, func(t *testing.T) {
				next := make(chan struct{})
				defer close(next)
				c, s := playing(t, placeServer(t, event, picture, sound, next), nil)
				r := reader()
				r.skip(t, s)
				before, err := c.Stats().BytesRead, error(nil)
				var got []byte
				done := make(chan struct{})
				go func() { got, err = r.read(s, r.memory); close(done) }()
				next <- struct{}{}
				require.Eventually(t, func() bool { return c.Stats().BytesRead-before > 2*placeChunk }, patience, time.Millisecond)
				if event == "deadline" {
					s.SetReadDeadline(time.Now())
				} else {
					next <- struct{}{}
				}
				<-done
				if runtime.GOOS == "linux" {
					require.True(t, bytes.Contains(r.memory, picture[1000:placeChunk]), "the picture was read to the caller's memory")
				}
				switch event {
				case "deadline":
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					s.SetReadDeadline(time.Time{})
				case "sound":
					require.NoError(t, err)
					require.Equal(t, flv.AppendTag(nil, sound), got)
				case "lost":
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					require.Empty(t, got)
					return
				}
				clear(r.memory) // it belongs to the caller again
				next <- struct{}{}
				var all []byte
				for len(all) < len(want) {
					b, err := r.read(s, r.memory)
					require.NoError(t, err)
					all = append(all, b...)
				}
				assert.True(t, bytes.Equal(want, all))
			})
		}
	}
}
