package capturefile

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
)

// blocks splits a file into blocks.
func blocks(t *testing.T, file []byte) (headers []Header, records []Record) {
	t.Helper()
	for len(file) > 0 {
		h, err := ParseHeader(file)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(file), HeaderSize+int(h.Packed))
		content, err := h.Content(nil, file[HeaderSize:HeaderSize+h.Packed])
		require.NoError(t, err)
		c, err := ParseContent(&h, content)
		require.NoError(t, err)
		r, err := c.Next()
		for ; err == nil; r, err = c.Next() {
			records = append(records, r)
		}
		require.Equal(t, io.EOF, err)
		headers = append(headers, h)
		file = file[HeaderSize+h.Packed:]
	}
	return headers, records
}

func video(t *testing.T, w *chunk.Writer, body []byte) []byte {
	t.Helper()
	b, err := w.AppendMessage(nil, &chunk.Outgoing{Type: 9, ChunkStreamID: 6, StreamID: 1, Format: chunk.Format3, Body: body})
	require.NoError(t, err)
	return b
}

// TestNothingWaitsLong checks that recorded bytes are written within two seconds, so that a crash loses no more than that.
func TestNothingWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		r := NewRecorder(&file, Info{}, nil)
		r.Record(FromServer, time.Now(), video(t, chunk.NewWriter(), []byte("picture")))
		time.Sleep(2 * flushAfter)
		synctest.Wait()
		_, records := blocks(t, file.Bytes())
		require.Len(t, records, 2)
		assert.Equal(t, KindServer, records[1].Kind)
		require.NoError(t, r.Close(0, ""))
		headers, _ := blocks(t, file.Bytes())
		assert.Len(t, headers, 2)
	})
}

// TestAStuckWriterEndsTheRecording checks that a blocked writer delays a session for 5 s, and Close for the same time, but not more.
func TestAStuckWriterEndsTheRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(stuckWriter)
		r := NewRecorder(stuck, Info{}, nil)
		w, body := chunk.NewWriter(), make([]byte, 100_000)
		began := time.Now()
		for range 100 {
			r.Record(FromServer, time.Now(), video(t, w, body))
		}
		assert.Equal(t, patience, time.Since(began))
		require.ErrorIs(t, r.Err(), ErrSlow)
		require.ErrorIs(t, r.Close(0, ""), ErrSlow)
		assert.Equal(t, 2*patience, time.Since(began))
		close(stuck)
	})
}

type stuckWriter chan struct{}

func (s stuckWriter) Write(b []byte) (int, error) {
	<-s
	return len(b), nil
}

func TestAFailingWriterEndsTheRecording(t *testing.T) {
	broken := errors.New("disk full")
	r := NewRecorder(writerFunc(func([]byte) (int, error) { return 0, broken }), Info{}, nil)
	w, body := chunk.NewWriter(), make([]byte, 100_000)
	for range 100 {
		r.Record(FromServer, time.Now(), video(t, w, body))
	}
	require.ErrorIs(t, r.Close(0, ""), broken)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestZeroMedia(t *testing.T) {
	var file bytes.Buffer
	r := NewRecorder(NewOutput(&file, ZeroMedia), Info{}, nil)
	w := chunk.NewWriter()
	whole := video(t, w, bytes.Repeat([]byte("picture"), 100_000))
	r.Record(FromServer, time.Now(), whole)
	require.NoError(t, r.Close(0, ""))
	assert.NotContains(t, file.String(), "pict")
	assert.Less(t, file.Len(), len(whole)/20)
	_, records := blocks(t, file.Bytes())
	size := 0
	for _, rec := range records {
		if rec.Kind == KindServer {
			size += len(rec.Data)
			assert.NotContains(t, string(rec.Data), "pict")
		}
	}
	assert.Equal(t, len(whole), size)
}

// TestBytesThatAreNoChunkStreamAreLeftOut checks that bytes after an invalid chunk are not recorded, since they can't be searched for
// secrets.
func TestBytesThatAreNoChunkStreamAreLeftOut(t *testing.T) {
	var file bytes.Buffer
	r := NewRecorder(&file, Info{}, nil)
	r.Record(FromClient, time.Now(), append(video(t, chunk.NewWriter(), []byte("good")), 0xC9, 's', 'e', 'c', 'r', 'e', 't'))
	r.Record(FromClient, time.Now(), []byte("secret"))
	require.NoError(t, r.Close(0, ""))
	_, records := blocks(t, file.Bytes())
	last := records[len(records)-1]
	require.Equal(t, KindEnd, last.Kind)
	require.Len(t, ParseEnd(last.Data).Missing, 1)
	assert.Contains(t, ParseEnd(last.Data).Missing[0], "13 bytes from the client")
	for _, rec := range records {
		assert.NotContains(t, string(rec.Data), "secret")
	}
}

// TestConnRecordsARepeatedWriteOnce checks that a write that is continued after a deadline is recorded once.
func TestConnRecordsARepeatedWriteOnce(t *testing.T) {
	var file bytes.Buffer
	r := NewRecorder(&file, Info{Role: RoleClient}, nil)
	wire := video(t, chunk.NewWriter(), bytes.Repeat([]byte("x"), 500))
	nc := &scriptedConn{takes: []int{100, 0, 1000}}
	closed := make(chan error, 1)
	c := r.Conn(nc, func(err error) { closed <- err })
	for b := wire; len(b) > 0; {
		n, err := c.Write(b)
		b = b[n:]
		if len(b) > 0 {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
	}
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	require.NoError(t, <-closed)
	assert.Equal(t, wire, nc.got)
	_, records := blocks(t, file.Bytes())
	var got []byte
	for _, rec := range records {
		if rec.Kind == KindClient {
			got = append(got, rec.Data...)
		}
	}
	assert.Equal(t, wire, got)
	assert.Equal(t, FromClient, ParseEnd(records[len(records)-1].Data).ClosedBy)
}

type scriptedConn struct {
	net.Conn
	takes []int
	got   []byte
}

func (c *scriptedConn) Write(b []byte) (int, error) {
	n := min(c.takes[0], len(b))
	c.takes = c.takes[1:]
	c.got = append(c.got, b[:n]...)
	if n < len(b) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

func (c *scriptedConn) Close() error { return nil }
