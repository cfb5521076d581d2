package capture_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

type sent struct {
	from capture.Direction
	chunk.Outgoing
}

// recording records messages of both directions, in random parts that are a millisecond apart.
func recording(t *testing.T, messages []sent, opts ...capture.Option) []byte {
	t.Helper()
	var file bytes.Buffer
	began := time.Unix(1_700_000_000, 0)
	r := capture.NewRecorder(capture.NewWriter(&file, opts...), capture.Info{Role: capture.RoleClient, Transport: "rtmp", Began: began})
	writers := map[capture.Direction]*chunk.Writer{capture.FromClient: chunk.NewWriter(), capture.FromServer: chunk.NewWriter()}
	for i, m := range messages {
		b, err := writers[m.from].AppendMessage(nil, &m.Outgoing)
		require.NoError(t, err)
		for len(b) > 0 {
			n := 1 + rand.IntN(len(b))
			r.Record(m.from, began.Add(time.Duration(i)*time.Millisecond), b[:n])
			b = b[n:]
		}
	}
	require.NoError(t, r.Close(capture.FromServer, "over"))
	return file.Bytes()
}

func open(t *testing.T, file []byte) *capture.File {
	t.Helper()
	f, err := capture.NewFile(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	return f
}

func media(n int) (all []sent) {
	random := rand.New(rand.NewPCG(1, 2))
	size := chunk.Outgoing{Type: 1, ChunkStreamID: 2, Body: []byte{0, 0, 16, 0}}
	all = append(all, sent{capture.FromServer, size})
	for i := range n {
		body := make([]byte, random.IntN(20_000))
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		o := chunk.Outgoing{Type: 9, ChunkStreamID: 6, StreamID: 1, Timestamp: uint32(40 * i), Format: chunk.Format3, Body: body}
		from := capture.FromServer
		switch i % 7 {
		case 3:
			o.Type, o.ChunkStreamID = 8, 400
		case 5:
			from, o.Type, o.ChunkStreamID, o.Body = capture.FromClient, 3, 2, []byte{0, 0, 0, byte(i)}
		}
		all = append(all, sent{from, o})
	}
	return all
}

func TestWhatWasRecordedIsRead(t *testing.T) {
	messages := media(150)
	f := open(t, recording(t, messages))
	assert.Empty(t, f.Damage())
	require.Len(t, f.Sessions(), 1)
	s := f.Sessions()[0]
	assert.Equal(t, "rtmp", s.Info().Transport)
	end, complete := s.End()
	assert.True(t, complete)
	assert.Equal(t, "over", end.Reason)
	r := s.Reader()
	var m capture.Message
	for i, want := range messages {
		require.NoError(t, r.Next(&m))
		require.Equal(t, want.from, m.From, i)
		require.Equal(t, message.Type(want.Type), m.Type)
		require.Equal(t, want.StreamID, m.StreamID)
		require.True(t, bytes.Equal(want.Body, m.Body), i)
		require.Equal(t, time.Duration(i)*time.Millisecond, m.At)
		require.Equal(t, want.Timestamp, m.Timestamp)
	}
	assert.Equal(t, io.EOF, r.Next(&m))
}

func TestSeek(t *testing.T) {
	f := open(t, recording(t, media(150)))
	r := f.Sessions()[0].Reader()
	var all []capture.Message
	var m capture.Message
	for r.Next(&m) == nil {
		all = append(all, m)
		m.Body = nil
	}
	require.Len(t, all, 151)
	for _, to := range []int{0, 150, 17, 61, 149, 1} {
		at := time.Duration(to) * time.Millisecond
		r.Seek(at)
		require.NoError(t, r.Next(&m))
		require.True(t, same(&all[to], &m), to)
		m.Body = nil
	}
	r.Seek(time.Hour)
	assert.Equal(t, io.EOF, r.Next(&m))
}

// TestManyChunkStreams checks a block without states, which has too many chunk streams. Seek can't start from it.
func TestManyChunkStreams(t *testing.T) {
	var messages []sent
	for i := range uint32(4000) {
		messages = append(messages, sent{capture.FromClient, chunk.Outgoing{Type: 9, ChunkStreamID: 64 + i, Body: make([]byte, 200)}})
	}
	s := open(t, recording(t, messages)).Sessions()[0]
	all, damage, end := everything(t, s)
	assert.Len(t, all, len(messages))
	assert.Zero(t, damage)
	assert.Equal(t, io.EOF, end)
	r := s.Reader()
	r.Seek(3900 * time.Millisecond)
	var m capture.Message
	require.NoError(t, r.Next(&m))
	assert.True(t, same(&all[3900], &m))
}

// TestDistantTime checks that a capture with a time that the format can't express, as in a damaged packet capture, can be read.
func TestDistantTime(t *testing.T) {
	var out bytes.Buffer
	began := time.Unix(1_700_000_000, 0)
	r := capture.NewRecorder(&out, capture.Info{Began: began})
	r.Record(capture.FromClient, began.AddDate(500, 0, 0), []byte{2})
	require.NoError(t, r.Close(capture.FromServer, "over"))
	file, err := capture.NewFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	require.Len(t, file.Sessions(), 1)
	require.Empty(t, file.Damage())
}

// TestDropped checks what is read in place of a message that is never completed.
func TestDropped(t *testing.T) {
	chunked := func(id uint32, kind message.Type, body []byte) []byte {
		b, err := chunk.NewWriter().AppendMessage(nil, &chunk.Outgoing{Type: uint8(kind), ChunkStreamID: id, Body: body})
		require.NoError(t, err)
		return b
	}
	begun := chunked(3, message.TypeVideo, make([]byte, 200))[:12+chunk.DefaultChunkSize]
	type read struct {
		kind    message.Type
		size    int
		dropped bool
	}
	for name, test := range map[string]struct {
		then []byte
		want []read
	}{
		"another begins":   {chunked(3, message.TypeAudio, []byte("next")), []read{{message.TypeVideo, 128, true}, {message.TypeAudio, 4, false}}},
		"an empty one":     {chunked(3, message.TypeAudio, nil), []read{{message.TypeAudio, 0, false}}},
		"an Abort":         {chunked(2, message.TypeAbort, []byte{0, 0, 0, 3}), []read{{message.TypeAbort, 4, false}}},
		"the session ends": {nil, nil},
	} {
		var file bytes.Buffer
		r := capture.NewRecorder(&file, capture.Info{})
		r.Record(capture.FromClient, time.Now(), append(bytes.Clone(begun), test.then...))
		require.NoError(t, r.Close(0, ""))
		all, _, _ := everything(t, open(t, file.Bytes()).Sessions()[0])
		var got []read
		for _, m := range all {
			got = append(got, read{m.Type, len(m.Body), m.Dropped})
		}
		assert.Equal(t, test.want, got, name)
	}
}
