package main

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

type recording struct{ r *flv.Reader }

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
	folder := t.TempDir()
	var d decoder
	require.Equal(t, io.EOF, keyFrames(recording{flv.NewReader(bytes.NewReader(testserver.Sample))}, &d, folder))
	require.NoError(t, d.end())
	pictures, err := filepath.Glob(filepath.Join(folder, "h264-*.jpg"))
	require.NoError(t, err)
	assert.Len(t, pictures, 5)
}
