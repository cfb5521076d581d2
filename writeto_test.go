package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// mixedTags is media of all lengths, in the order in which it is sent.
func mixedTags() (tags []flv.Tag) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for i := range uint32(120) {
		size := []int{1, 300, directSize - 1, directSize, 5000, 300_000, writeToBuffer - flv.TagOverhead, 20}[rnd.IntN(8)]
		body := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(i)}).Read(body)
		tags = append(tags, flv.Tag{Type: []flv.TagType{flv.TagAudio, flv.TagVideo}[i%2], Timestamp: i, Body: body})
	}
	return tags
}

func mixedServer(t *testing.T, chunkSize uint32) (url string) {
	return newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, chunkSize))
		for _, tag := range mixedTags() {
			p.Media(message.Type(tag.Type), tag.Timestamp, tag.Body)
		}
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
}

// TestEveryWayOfReading checks that every method of reading, with slices of any size, returns the same file.
func TestEveryWayOfReading(t *testing.T) {
	want := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range mixedTags() {
		want = flv.AppendTag(want, tag)
	}
	reading := func(size int) func(*Stream, io.Writer) error {
		return func(s *Stream, w io.Writer) error {
			_, err := io.CopyBuffer(w, onlyReader{s}, make([]byte, size))
			return err
		}
	}
	for name, read := range map[string]func(*Stream, io.Writer) error{
		"WriteTo":          func(s *Stream, w io.Writer) error { _, err := s.WriteTo(w); return err },
		"Read, 100 bytes":  reading(100),
		"Read, 5 KB":       reading(5015),
		"Read, 64 KiB":     reading(64 << 10),
		"Read, a megabyte": reading(1 << 20),
		"WriteTo after one": func(s *Stream, w io.Writer) error {
			if _, err := io.CopyN(w, onlyReader{s}, 400_000); err != nil { // which ends in the middle of a tag
				return err
			}
			_, err := s.WriteTo(w)
			return err
		},
	} {
		for _, chunkSize := range []uint32{128, 4096, 65536} {
			_, s := playing(t, mixedServer(t, chunkSize), nil)
			var got bytes.Buffer
			require.NoError(t, read(s, &got), name)
			require.Len(t, got.Bytes(), len(want), name)
			require.True(t, bytes.Equal(want, got.Bytes()), name)
		}
	}
}

// onlyReader hides the WriteTo method from io.Copy.
type onlyReader struct{ io.Reader }

type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	if d.room -= n; n < len(b) {
		return n, errFull
	}
	return n, nil
}

// TestWriteToFullDisk checks the number of bytes that WriteTo returns if the write of a long tag fails in the middle.
func TestWriteToFullDisk(t *testing.T) {
	for _, room := range []int{0, 100, 200_000, 1_000_000} {
		_, s := playing(t, mixedServer(t, 4096), nil)
		n, err := s.WriteTo(&fullDisk{room})
		require.ErrorIs(t, err, errFull)
		assert.EqualValues(t, room, n)
	}
	_, s := playing(t, mixedServer(t, 4096), nil)
	var p Packet
	for _, tag := range mixedTags() {
		require.NoError(t, s.ReadPacket(&p))
		require.True(t, bytes.Equal(tag.Body, p.Body))
	}
	require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
}
