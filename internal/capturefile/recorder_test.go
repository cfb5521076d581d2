package capturefile

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

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

// TestNothingWaitsLong checks that recorded bytes are written within two seconds, so that a crash loses no older bytes.
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

// TestAStuckWriterEndsTheRecording checks that a blocked writer delays a session for at most 5 s, and Close for at most another 5 s.
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
	for _, typ := range []message.Type{message.TypeAudio, message.TypeAggregate} {
		whole = append(whole, chunked(t, uint32(6+typ), typ, []byte("picture"))...)
	}
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

// TestBytesThatAreNoChunkStreamAreLeftOut checks that bytes after an invalid chunk, which may contain secrets, are not recorded.
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

func TestConnRecordsARepeatedWriteOnce(t *testing.T) {
	var file bytes.Buffer
	r := NewRecorder(&file, Info{Role: RoleClient}, nil)
	wire := video(t, chunk.NewWriter(), bytes.Repeat([]byte("x"), 500))
	nc := &scriptedConn{takes: []int{100, 0, 1000, 1000}}
	closed := make(chan error, 1)
	c := r.Conn(nc, func(err error) { closed <- err })
	for b := wire; len(b) > 0; {
		n, err := c.Write(b)
		b = b[n:]
		if len(b) > 0 {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
	}
	next := chunked(t, 3, message.TypeVideo, []byte("next"))
	_, err := c.Write(next)
	require.NoError(t, err)
	wire = append(wire, next...)
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

// TestConnRecordsConcurrentWrites checks that messages of several goroutines are recorded in the order in which they are written.
func TestConnRecordsConcurrentWrites(t *testing.T) {
	var file, got bytes.Buffer
	r := NewRecorder(&file, Info{Role: RoleClient}, nil)
	client, server := net.Pipe()
	var running sync.WaitGroup
	running.Go(func() { io.Copy(&got, server) })
	c := r.Conn(client, func(error) {})
	wire := chunked(t, 3, message.TypeVideo, []byte("a message"))
	var writing sync.WaitGroup
	for range 4 {
		writing.Go(func() {
			for range 100 {
				_, err := c.Write(wire)
				assert.NoError(t, err)
			}
		})
	}
	writing.Wait()
	require.NoError(t, c.Close())
	running.Wait()
	server.Close()
	var recorded []byte
	_, records := blocks(t, file.Bytes())
	for _, rec := range records {
		if rec.Kind == KindClient {
			recorded = append(recorded, rec.Data...)
		}
	}
	assert.Equal(t, got.Bytes(), recorded)
}

// TestEndIsBounded checks that the end of a recording fits into a block whatever a program says about it.
func TestEndIsBounded(t *testing.T) {
	var file bytes.Buffer
	long := string(bytes.Repeat([]byte("x"), 1<<20))
	r := NewRecorder(&file, Info{Server: long}, nil)
	for range 2 * maxMissing {
		r.Missing(FromServer, long)
	}
	require.NoError(t, r.Close(0, long))
	_, records := blocks(t, file.Bytes())
	end := ParseEnd(records[len(records)-1].Data)
	assert.Len(t, end.Missing, maxMissing+1)
	assert.Equal(t, "and more", end.Missing[maxMissing])
	assert.Len(t, end.Reason, maxField)
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

// TestBlocksBeginWithTheirStates checks that reading can begin at each block: it has the states of both directions at its beginning, and
// whole pieces.
func TestBlocksBeginWithTheirStates(t *testing.T) {
	var file bytes.Buffer
	began := time.Now()
	r := NewRecorder(&file, Info{Began: began}, nil)
	var sent [2][]byte
	for i, w := range []*chunk.Writer{chunk.NewWriter(), chunk.NewWriter()} {
		for n := range 40 {
			sent[i] = append(sent[i], video(t, w, bytes.Repeat([]byte{byte(n)}, 10_000+i))...)
		}
		sent[i] = append(sent[i], 4, 0, 0) // an incomplete chunk header
	}
	for i, way := range sent { // record the bytes in parts of random length
		at := began.Add(time.Duration(i) * time.Second)
		for b := way; len(b) > 0; b = b[min(len(b), 7777+90_000*i):] {
			r.Record(Direction(i+1), at, b[:min(len(b), 7777+90_000*i)])
			at = at.Add(time.Millisecond)
		}
	}
	require.NoError(t, r.Close(FromServer, "done"))

	var got [2][]byte
	scan := [2]*chunk.Scanner{chunk.NewScanner(), chunk.NewScanner()}
	sequence, last := uint32(0), time.Duration(0)
	for rest := file.Bytes(); len(rest) > 0; sequence++ {
		h, err := ParseHeader(rest)
		require.NoError(t, err)
		assert.Equal(t, sequence, h.Sequence)
		assert.Equal(t, r.session, h.Session)
		require.True(t, h.Seekable)
		content, err := h.Content(nil, rest[HeaderSize:HeaderSize+h.Packed])
		require.NoError(t, err)
		rest = rest[HeaderSize+h.Packed:]
		assert.Less(t, len(content), targetBlock+2*maxRecord)
		c, err := ParseContent(&h, content)
		require.NoError(t, err)
		for i := range scan {
			assert.Equal(t, scan[i].AppendState(nil), c.States[i])
		}
		first := true
		for {
			record, err := c.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			if first {
				assert.Equal(t, h.First, record.At)
				first = false
			}
			assert.GreaterOrEqual(t, record.At, last)
			last = record.At
			if record.Kind != KindClient && record.Kind != KindServer {
				continue
			}
			require.LessOrEqual(t, len(record.Data), maxRecord)
			i := record.Kind - KindClient
			got[i] = append(got[i], record.Data...)
			for b := record.Data; len(b) > 0; {
				_, n, err := scan[i].Scan(b)
				require.NoError(t, err)
				if n == 0 {
					require.Equal(t, []byte{4, 0, 0}, b)
					break
				}
				b = b[n:]
			}
		}
		assert.Equal(t, h.Last, last)
	}
	assert.Greater(t, sequence, uint32(2))
	assert.Less(t, sequence, uint32(10))
	assert.True(t, bytes.Equal(sent[0], got[0]))
	assert.True(t, bytes.Equal(sent[1], got[1]))
	assert.Greater(t, last, time.Second)
}

// TestMissing checks that strings that may repeat a secret are replaced completely after a gap in the client's bytes.
func TestMissing(t *testing.T) {
	segment := func(from Direction) func(*Recorder) { return func(r *Recorder) { r.Missing(from, "a segment") } }
	broken := func(from Direction) func(*Recorder) {
		return func(r *Recorder) { r.Record(from, time.Now(), []byte{0xC9}) } // not a chunk stream
	}
	for _, test := range []struct {
		name    string
		miss    func(*Recorder)
		kept    bool
		missing int
	}{
		{"nothing", func(*Recorder) {}, true, 0},
		{"a segment of the client's", segment(FromClient), false, 1},
		{"a segment of the server's", segment(FromServer), true, 1},
		{"the client's chunk stream", broken(FromClient), false, 1},
	} {
		var file bytes.Buffer
		r := NewRecorder(&file, Info{}, nil)
		test.miss(r)
		body, err := amf.AppendAMF0(nil, "onStatus", 0.0, nil, amf.Object{{Name: "description", Value: "may repeat a key"}})
		require.NoError(t, err)
		r.Record(FromServer, time.Now(), chunked(t, 3, message.TypeCommandAMF0, body))
		require.NoError(t, r.Close(0, ""))
		_, records := blocks(t, file.Bytes())
		assert.Equal(t, test.kept, bytes.Contains(records[1].Data, []byte("may repeat a key")), test.name)
		assert.Len(t, ParseEnd(records[len(records)-1].Data).Missing, test.missing, test.name)
	}
}

func TestConnRecordsWhoClosed(t *testing.T) {
	for _, test := range []struct {
		role     Role
		err      error // the error of a Read
		closedBy Direction
		reason   string
	}{
		{RoleClient, io.EOF, FromServer, "the server closed the connection"},
		{RoleServer, io.EOF, FromClient, "the client closed the connection"},
		{RoleClient, errors.New("reset"), FromServer, "reset"},
		{RoleClient, os.ErrDeadlineExceeded, FromClient, "the client closed the connection"},
		{RoleServer, net.ErrClosed, FromServer, "the server closed the connection"},
		{RoleClient, nil, FromClient, "the client closed the connection"},
	} {
		var file bytes.Buffer
		c := NewRecorder(&file, Info{Role: test.role}, nil).Conn(&failingConn{err: test.err}, func(error) {})
		_, err := c.Read(make([]byte, 10))
		require.Equal(t, test.err, err)
		require.NoError(t, c.Close())
		_, records := blocks(t, file.Bytes())
		end := ParseEnd(records[len(records)-1].Data)
		assert.Equal(t, End{ClosedBy: test.closedBy, Reason: test.reason, Kept: []string{"audio and video"}}, end)
	}
}

type failingConn struct {
	scriptedConn
	err error
}

func (c *failingConn) Read([]byte) (int, error) { return 0, c.err }
