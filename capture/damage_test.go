package capture_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// everything reads a session to its end. It continues after damaged parts.
func everything(t testing.TB, s *capture.Session) (all []capture.Message, damage int, end error) {
	r := s.Reader()
	for {
		var m capture.Message
		switch err := r.Next(&m); {
		case err == nil:
			all = append(all, m)
		case errors.As(err, new(*capture.DamageError)):
			damage++
		default:
			return all, damage, err
		}
	}
}

// same reports whether messages are equal. testify is slow for large byte slices.
func same(a, b *capture.Message) bool {
	return a.At == b.At && a.Began == b.Began && a.From == b.From && a.Type == b.Type && a.Timestamp == b.Timestamp && a.StreamID == b.StreamID &&
		a.Chunks == b.Chunks && a.Wire == b.Wire && bytes.Equal(a.Body, b.Body)
}

func equal(t *testing.T, want, got []capture.Message) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.True(t, same(&want[i], &got[i]), "message %d", i)
	}
}

func offsets(t testing.TB, file []byte) (all []int) {
	for at := 0; at < len(file); {
		h, err := capturefile.ParseHeader(file[at:])
		require.NoError(t, err)
		all = append(all, at)
		at += capturefile.HeaderSize + int(h.Packed)
	}
	return all
}

// TestTornEnd checks that the whole blocks of a truncated file can be read, and that the session is not complete.
func TestTornEnd(t *testing.T) {
	file := recording(t, media(150))
	whole, _, end := everything(t, open(t, file).Sessions()[0])
	require.Equal(t, io.EOF, end)
	at := offsets(t, file)
	require.Greater(t, len(at), 4)
	for i, begin := range at[1:] {
		for _, size := range []int{begin, begin + 1, begin + capturefile.HeaderSize, begin + capturefile.HeaderSize + 1} {
			f := open(t, file[:size])
			if size == begin {
				assert.Empty(t, f.Damage())
			} else {
				assert.Len(t, f.Damage(), 1)
			}
			got, damage, end := everything(t, f.Sessions()[0])
			assert.Equal(t, io.ErrUnexpectedEOF, end)
			assert.Zero(t, damage)
			assert.NotEmpty(t, got)
			assert.GreaterOrEqual(t, len(got), 150*i/len(at)/2)
			require.LessOrEqual(t, len(got), len(whole))
			equal(t, whole[:len(got)], got)
			_, complete := f.Sessions()[0].End()
			assert.False(t, complete)
		}
	}
}

// TestDamagedBlocks checks that a damaged or missing block affects only messages that are at least partly in it.
func TestDamagedBlocks(t *testing.T) {
	file := recording(t, media(150))
	whole, _, _ := everything(t, open(t, file).Sessions()[0])
	at := append(offsets(t, file), len(file))
	for i := range len(at) - 1 {
		for name, damage := range map[string]func() []byte{
			"a byte of the header":  func() []byte { b := bytes.Clone(file); b[at[i]+9] ^= 1; return b },
			"a byte of the content": func() []byte { b := bytes.Clone(file); b[at[i]+capturefile.HeaderSize] ^= 1; return b },
			"missing":               func() []byte { return append(bytes.Clone(file[:at[i]]), file[at[i+1]:]...) },
			"garbage before": func() []byte {
				return append(append(bytes.Clone(file[:at[i]]), bytes.Repeat([]byte("RTMC"), 17_000)...), file[at[i]:]...)
			},
		} {
			f := open(t, damage())
			require.Len(t, f.Sessions(), 1, name)
			got, found, _ := everything(t, f.Sessions()[0])
			if name == "garbage before" {
				equal(t, whole, got)
				require.Len(t, f.Damage(), 1)
				continue
			}
			if last := i == len(at)-2; !last || name == "a byte of the content" {
				assert.Positive(t, found, "%s of block %d", name, i)
			}
			assert.Greater(t, len(got), len(whole)-80, "%s of block %d", name, i)
			next := 0
			for _, m := range got { // The messages that were read are unchanged and in order.
				for next < len(whole) && whole[next].At != m.At {
					next++
				}
				require.Less(t, next, len(whole))
				require.True(t, same(&whole[next], &m))
				next++
			}
		}
	}
}

func TestSeveralSessions(t *testing.T) {
	var file bytes.Buffer
	began := time.Unix(1_700_000_000, 0)
	var recorders []*capture.Recorder
	writers := []*chunk.Writer{chunk.NewWriter(), chunk.NewWriter(), chunk.NewWriter()}
	out := &oneAtATime{w: &file, free: make(chan struct{}, 1)}
	for i := range writers {
		recorders = append(recorders, capture.NewRecorder(out, capture.Info{Server: string(rune('a' + i)), Began: began}))
	}
	for n := range 100 {
		for i, r := range recorders {
			b, err := writers[i].AppendMessage(nil, &chunk.Outgoing{Type: 9, ChunkStreamID: 6, Body: bytes.Repeat([]byte{byte(i)}, 10_000)})
			require.NoError(t, err)
			r.Record(capture.FromServer, began.Add(time.Duration(n)*time.Second), b)
		}
	}
	for _, r := range recorders {
		require.NoError(t, r.Close(0, ""))
	}
	f := open(t, file.Bytes())
	require.Len(t, f.Sessions(), 3)
	for _, s := range f.Sessions() {
		got, damage, end := everything(t, s)
		assert.Equal(t, io.EOF, end)
		assert.Zero(t, damage)
		require.Len(t, got, 100)
		for _, m := range got {
			assert.Equal(t, bytes.Repeat([]byte{s.Info().Server[0] - 'a'}, 10_000), m.Body)
		}
	}
}

type oneAtATime struct {
	free chan struct{}
	w    io.Writer
}

func (o *oneAtATime) Write(b []byte) (int, error) {
	o.free <- struct{}{}
	defer func() { <-o.free }()
	return o.w.Write(b)
}

func TestNoSession(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("RTMC"), []byte("no capture"), bytes.Repeat([]byte("RTMC"), 100_000)} {
		_, err := capture.NewFile(bytes.NewReader(b), int64(len(b)))
		assert.Equal(t, capture.ErrNoSession, err)
	}
	_, err := capture.Open(t.TempDir() + "/nothing")
	assert.Error(t, err)
}

// counting counts the bytes that are read.
type counting struct {
	io.ReaderAt
	n int
}

func (c *counting) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, at)
	c.n += n
	return n, err
}

// TestManyDamagedSpots checks that a file which is damaged in many places is not read over and over.
func TestManyDamagedSpots(t *testing.T) {
	const spots = 3000
	var h capturefile.Header
	file := bytes.Repeat(append(h.Pack(nil, nil), 'R'), spots)
	in := &counting{ReaderAt: bytes.NewReader(file)}
	f, err := capture.NewFile(in, int64(len(file)))
	require.NoError(t, err)
	require.Len(t, f.Damage(), spots)
	for i, d := range f.Damage() {
		require.Equal(t, int64((i+1)*len(file)/spots-1), d.Offset)
		require.EqualValues(t, 1, d.Size)
	}
	assert.Less(t, in.n, 4*len(file))
}

func FuzzFile(f *testing.F) {
	var file bytes.Buffer
	r := capture.NewRecorder(&file, capture.Info{Role: capture.RoleServer, Transport: "rtmps"})
	w := chunk.NewWriter()
	for i := range 3 {
		b, _ := w.AppendMessage(nil, &chunk.Outgoing{Type: 9, ChunkStreamID: 6, Timestamp: 0xFFFFFFF, Body: make([]byte, 100*i)})
		r.Record(capture.FromServer, time.Now(), b)
	}
	r.Close(0, "over")
	f.Add(file.Bytes())
	content := []byte{0, 0, 1, 0, 3, 0xC3, 0, 0, 4, 0, 0}
	h := capturefile.Header{Seekable: true}
	f.Add(h.Pack(nil, content))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(b []byte) {
			file, err := capture.NewFile(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				return
			}
			for _, s := range file.Sessions() {
				all, _, end := everything(t, s)
				require.Contains(t, []error{io.EOF, io.ErrUnexpectedEOF}, end)
				r := s.Reader()
				r.Seek(s.Duration() / 2)
				var m capture.Message
				r.Next(&m)
				_, complete := s.End()
				require.Equal(t, complete, end == io.EOF)
				_ = all
			}
		}
		read(b)
		h := capturefile.Header{Seekable: len(b)%2 == 0}
		read(h.Pack(nil, b[:min(len(b), capturefile.MaxBlock)])) // the checksums are correct, so that the content is parsed
	})
}
