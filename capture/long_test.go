package capture_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/chunk"
)

// TestGigabyte checks that opening and reading a capture of 1 GB takes no more memory than a few blocks.
func TestGigabyte(t *testing.T) {
	if os.Getenv("RTMP_LONG") == "" {
		t.Skip("RTMP_LONG=1 reads a gigabyte")
	}
	const messages, size = 10_000, 100_000
	path := filepath.Join(t.TempDir(), "gigabyte.rtmpcap")
	file, err := os.Create(path)
	require.NoError(t, err)
	began := time.Now()
	r := capture.NewRecorder(file, capture.Info{Began: began})
	w, body, random := chunk.NewWriter(), make([]byte, size), rand.NewChaCha8([32]byte{})
	for n := range messages {
		random.Read(body) // random data can't be compressed
		b, err := w.AppendMessage(nil, &chunk.Outgoing{Type: 9, ChunkStreamID: 6, StreamID: 1, Timestamp: uint32(40 * n), Format: chunk.Format3, Body: body})
		require.NoError(t, err)
		r.Record(capture.FromServer, began.Add(time.Duration(n)*40*time.Millisecond), b)
	}
	require.NoError(t, r.Close(0, ""))
	require.NoError(t, file.Close())
	stat, err := os.Stat(path)
	require.NoError(t, err)

	debug.SetGCPercent(20)
	defer debug.SetGCPercent(100)
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	opened := time.Now()
	f, err := capture.Open(path)
	require.NoError(t, err)
	defer f.Close()
	t.Logf("%d MB written in %v, opened in %v", stat.Size()>>20, opened.Sub(began), time.Since(opened))
	in := f.Sessions()[0].Reader()
	dump := bufio.NewWriter(io.Discard)
	var m capture.Message
	n, most := 0, uint64(0)
	for err = in.Next(&m); err == nil; err = in.Next(&m) {
		dump.WriteString(m.Dump()[:200])
		if n++; n%1000 == 0 {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	}
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, messages, n)
	assert.Less(t, most, uint64(16<<20))
	in.Seek(300 * time.Second)
	require.NoError(t, in.Next(&m))
	assert.Equal(t, 300*time.Second, m.At)
	t.Logf("dumped in %v, with %d KB", time.Since(opened), most>>10)
}
