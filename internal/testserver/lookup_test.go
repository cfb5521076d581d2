package testserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// flvFile puts tags in a file.
func flvFile(tags ...flv.Tag) []byte {
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range tags {
		file = flv.AppendTag(file, tag)
	}
	return file
}

// A length is found by all names by which a recording can be played.
func TestStreamLength(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "whole.flv"), testserver.Sample, 0o644))
	c := connected(t, start(t, testserver.Config{Dir: dir,
		Files: map[string][]byte{"sample": testserver.Sample, "empty": flvFile(), "damaged": []byte("not FLV, but long enough")}}))
	for name, seconds := range map[any]float64{
		"sample": 9.96, "mp4:sample": 9.96, "flv:sample": 9.96, "mp3:sample": 9.96, "whole": 9.96, "flv:whole": 9.96,
		"empty": 0, "damaged": 0, "nothing": 0, "mp4:nothing": 0, "": 0, "../whole": 0, 17.0: 0,
	} {
		assert.Equal(t, []any{seconds}, c.call("getStreamLength", nil, name).command.Args, name)
	}
	assert.Equal(t, []any{0.0}, c.call("getStreamLength", nil).command.Args, "of what?")

	c.tell(0, "getStreamLength", "sample") // transaction id 0: nobody wants to know
	c.sync()
	assert.Empty(t, c.skipped)
}

// An application's parameters are not part of its name.
func TestParametersOfApp(t *testing.T) {
	s := start(t, testserver.Config{Apps: []string{"live"}})
	for app, answer := range map[string]string{
		"live": "_result", "live?token=1": "_result", "live?": "_result",
		"": "_error", "?live": "_error", "liv": "_error", "live/x": "_error", "x?live": "_error",
	} {
		c := dial(t, s)
		assert.Equal(t, answer, c.call("connect", amf.Object{{Name: "app", Value: app}}).command.Name, app)
	}
}
