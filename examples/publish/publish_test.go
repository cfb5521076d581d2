package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPublishFile checks that the server receives the whole file, and that an interrupt is an error.
func TestPublishFile(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	var want []flv.Tag
	for _, tag := range rtmptest.SampleTags(t) {
		if tag.Timestamp < 900 { // sent at once, since the file may be sent a second ahead
			want = append(want, tag)
		}
	}
	file := filepath.Join(t.TempDir(), "file.flv")
	require.NoError(t, os.WriteFile(file, rtmptest.File(want...), 0o600))
	ctx, interrupt := context.WithCancel(conntest.Context(t))
	options := &rtmp.Options{Publish: true}
	require.NoError(t, publishFile(ctx, file, server.URL("live", "out"), options))
	rtmptest.EqualTags(t, want, rtmptest.Tags(t, recorded("out")))
	interrupt()
	assert.Error(t, publishFile(ctx, file, server.URL("live", "again"), options))
}
