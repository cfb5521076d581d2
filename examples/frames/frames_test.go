package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

type recording struct{ r *flv.Reader }

func sample() recording { return recording{flv.NewReader(bytes.NewReader(testserver.Sample))} }

func (r recording) ReadPacket(p *rtmp.Packet) error {
	var tag flv.Tag
	if err := r.r.Next(&tag); err != nil {
		return err
	}
	*p = rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}
	return nil
}

func TestKeyFrames(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	d := decoder{folder: t.TempDir(), died: func() { t.Error("ffmpeg ended early") }}
	require.Equal(t, io.EOF, keyFrames(sample(), &d))
	require.NoError(t, d.end())
	pictures, err := filepath.Glob(filepath.Join(d.folder, "h264-*.jpg"))
	require.NoError(t, err)
	assert.Len(t, pictures, 5)
}

// pausing is a stream that pauses after its first messages.
type pausing struct {
	recording
	messages int
	pause    func() error
}

func (p *pausing) ReadPacket(packet *rtmp.Packet) error {
	if p.messages--; p.messages < 0 {
		return p.pause()
	}
	return p.recording.ReadPacket(packet)
}

// TestFFmpegEnds checks that the program ends when ffmpeg does, even if the stream pauses.
func TestFFmpegEnds(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	ctx, stop := context.WithCancel(conntest.Context(t))
	d := decoder{folder: t.TempDir(), died: stop}
	src := &pausing{sample(), 250, func() error {
		require.NoError(t, d.cmd.Process.Kill())
		<-ctx.Done()
		return ctx.Err()
	}}
	assert.ErrorIs(t, keyFrames(src, &d), context.Canceled)
	assert.ErrorContains(t, d.end(), "ffmpeg: signal: killed")
}

func TestFolder(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := filepath.Join(t.TempDir(), "new", "folder")
	assert.ErrorIs(t, run(ctx, "rtmp://127.0.0.1/live/x", folder), context.Canceled)
	assert.DirExists(t, folder)
}
