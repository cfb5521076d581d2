package flv

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type calls struct {
	writes [][]byte
	err    error
	short  bool
}

func (c *calls) Write(p []byte) (int, error) {
	c.writes = append(c.writes, bytes.Clone(p))
	if c.short {
		return len(p) - 1, nil
	}
	return len(p), c.err
}

func TestWriter(t *testing.T) {
	var c calls
	w := NewWriter(&c)
	require.NoError(t, w.WriteHeader(FileHeader{HasAudio: true, HasVideo: true}))
	for _, tag := range smallTags() {
		require.NoError(t, w.WriteTag(tag))
	}
	assert.Len(t, c.writes, 1+len(smallTags()), "one Write per call")
	assert.Equal(t, smallFile(), bytes.Join(c.writes, nil))
}

func TestWriterCopiesTheSample(t *testing.T) {
	file := sample(t)
	r := NewReader(bytes.NewReader(file))
	h, err := r.Header()
	require.NoError(t, err)
	var out bytes.Buffer
	w := NewWriter(&out)
	require.NoError(t, w.WriteHeader(h))
	var tag Tag
	for err = r.Next(&tag); err == nil; err = r.Next(&tag) {
		require.NoError(t, w.WriteTag(tag))
	}
	assert.Same(t, io.EOF, err)
	assert.True(t, bytes.Equal(file, out.Bytes()))
}

func TestWriterErrors(t *testing.T) {
	var c calls
	w := NewWriter(&c)
	require.NoError(t, NewWriter(io.Discard).WriteTag(Tag{Body: make([]byte, MaxBodySize)}))
	requireError(t, w.WriteTag(Tag{Body: make([]byte, MaxBodySize+1)}), "flv: offset 0: body is too long for a tag: 16777216")
	assert.Empty(t, c.writes)
	require.NoError(t, w.WriteTag(Tag{}), "the error has no effect on later calls")

	c.err = io.ErrClosedPipe
	assert.Same(t, io.ErrClosedPipe, w.WriteTag(Tag{}))
	c.err = nil
	assert.Same(t, io.ErrClosedPipe, w.WriteTag(Tag{}), "the error is final")
	assert.Same(t, io.ErrClosedPipe, w.WriteHeader(FileHeader{}), "the error is final")

	assert.Same(t, io.ErrShortWrite, NewWriter(&calls{short: true}).WriteTag(Tag{}))
}

func TestWriterAllocates(t *testing.T) {
	w := NewWriter(io.Discard)
	tag := Tag{Type: TagVideo, Body: make([]byte, 5000)}
	require.NoError(t, w.WriteTag(tag))
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = w.WriteTag(tag) }))
}
