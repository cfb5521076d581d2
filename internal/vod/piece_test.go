package vod

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

func TestBufferSizes(t *testing.T) {
	var sizes []int
	for class := range buffers {
		sizes = append(sizes, bufferSize(class)>>10)
	}
	assert.Equal(t, []int{96, 128, 192, 256, 384, 512, 768, 1024}, sizes[:8], "KiB")
	assert.Greater(t, sizes[len(sizes)-1]<<10, FrameRoom+flv.MaxBodySize)
	for class := range buffers {
		assert.Equal(t, class, bufferClass(bufferSize(class)))
		assert.Equal(t, class, bufferClass(bufferSize(class)-1))
		assert.Equal(t, class+1, bufferClass(bufferSize(class)+1))
	}
}

// TestPieceKeepsItsBuffer checks that a piece keeps its buffer if that is of the right size, and moves the bytes that were not taken to the
// beginning of it.
func TestPieceKeepsItsBuffer(t *testing.T) {
	file := make([]byte, 10*pieceSize)
	for i := range file {
		file[i] = byte(i / 97)
	}
	p := piece{file: bytes.NewReader(file)}
	var before *[]byte
	at := 0
	for _, c := range []struct {
		take, read int  // fewer than read bytes are left
		same       bool // the buffer stays
	}{{0, 1, false}, {100, pieceSize, true}, {pieceSize - 10, 11, true}, {pieceSize, pieceSize, true}, {7, 2 * pieceSize, false}, {2*pieceSize - 3, 11, false}} {
		p.take(c.take)
		at += c.take
		require.NoError(t, p.read(c.read))
		require.Equal(t, int64(at), p.position())
		require.Len(t, p.rest(), max(c.read, pieceSize))
		require.Equal(t, file[at:at+len(p.rest())], p.rest())
		require.Equal(t, c.same, before == p.buf)
		require.NotSame(t, p.buf, getBuffer(c.read), "no other piece may use the buffer")
		before = p.buf
	}
}

// TestLengthCountsFromStart checks that playing ends at Start + Length after Seek, too.
func TestLengthCountsFromStart(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t)})
	for name, c := range map[string]struct {
		start, length time.Duration
		last          uint32 // timestamp of the last tag after a Seek to 0; 0 if there are only headers
	}{
		"nothing":              {0, 0, 0},
		"nothing, from second": {time.Second, 0, 901},
		"a second":             {0, time.Second, 901},
		"everything":           {0, -1, 3901},
	} {
		p := play(t, f, "a.flv", PlayOptions{Start: c.start, Length: c.length, AsFast: true})
		_, err := drain(t, p)
		require.Equal(t, io.EOF, err, name)
		require.NoError(t, p.Seek(context.Background(), 0), name)
		tags, err := drain(t, p)
		require.Equal(t, io.EOF, err, name)
		require.Equal(t, c.last, tags[len(tags)-1].Timestamp, name)
	}
}

// TestNoIndexFromTheBeginning checks that a file that is played from its beginning is not scanned.
func TestNoIndexFromTheBeginning(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t)})
	_, err := drain(t, play(t, f, "a.flv", all))
	require.Equal(t, io.EOF, err)
	require.Empty(t, f.indexes.files)
}

// TestHeadersBeforeAKeyFrameAreBounded checks that the headers that a Seek returns have at most maxHeaderBytes.
func TestHeadersBeforeAKeyFrameAreBounded(t *testing.T) {
	for size, want := range map[int]int{maxHeaderBytes: 2, maxHeaderBytes + 1: 1} {
		large := avc(1)
		large.Body = append(large.Body, make([]byte, size-len(large.Body)-len(aac(1).Body))...)
		f, _ := newFolder(t, map[string][]byte{"a.flv": fileOf(large, aac(1), key(0), key(1000))})
		p := play(t, f, "a.flv", all)
		require.NoError(t, p.Seek(context.Background(), time.Second))
		tags, _, err := next(t, p)
		require.NoError(t, err)
		requireSame(t, []flv.Tag{at(large, 1000), at(aac(1), 1000)}[:want], tags)
	}
}
