package download

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/url"
)

func TestStrings(t *testing.T) {
	result := Result{Outcome: Complete, Size: 7, Position: time.Second, Duration: 2 * time.Second}
	assert.Equal(t, "complete: 7 bytes, 1s of 2s", fmt.Sprint(result))
	assert.Equal(t, "complete: 7 bytes, 1s of 2s", fmt.Sprint(&result))
	assert.Equal(t, "connecting connected playing metadata receiving matching retrying Phase(7)",
		fmt.Sprint(Connecting, " ", Connected, " ", Playing, " ", Metadata, " ", Receiving, " ", Matching, " ", Retrying, " ", Retrying+1))
}

func TestFileBadURL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.flv")
	_, err := File(context.Background(), "http://h/a/b", path, nil)
	var bad *url.Error
	assert.ErrorAs(t, err, &bad)
	assert.NoFileExists(t, path)
}

// TestFileWithoutName checks that a URL without the name of a stream is refused before anything is dialled, unless the options name one.
func TestFileWithoutName(t *testing.T) {
	address := "rtmp://127.0.0.1:" + conntest.UnusedPort(t)
	path := filepath.Join(t.TempDir(), "out.flv")
	for raw, o := range map[string]*rtmp.Options{"": nil, "/": nil, "/app": nil, "/app live=1": {App: "other"}} {
		_, err := File(t.Context(), address+raw, path, &Options{RTMP: o})
		var option *rtmp.OptionError
		if assert.ErrorAs(t, err, &option, raw) {
			assert.Equal(t, "playpath", option.Name)
		}
		assert.NoFileExists(t, path)
	}
	for raw, o := range map[string]*rtmp.Options{"/app": {Playpath: "x"}, "/app playpath=x": nil, "/app/x": nil} {
		_, err := File(t.Context(), address+raw, path, &Options{RTMP: o})
		var dial *rtmp.HandshakeError
		assert.ErrorAs(t, err, &dial, raw)
	}
}

// TestFileWithoutStream checks that a download that never begins leaves no empty file, and leaves files that existed before unchanged.
func TestFileWithoutStream(t *testing.T) {
	url := "rtmp://127.0.0.1:" + conntest.UnusedPort(t) + "/a/b"
	for _, resume := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "out.flv")
		_, err := File(t.Context(), url, path, &Options{Resume: resume})
		assert.Error(t, err)
		assert.NoFileExists(t, path)
		_, err = File(t.Context(), url, path, &Options{Resume: resume, Quirks: true})
		assert.Error(t, err)
		assert.FileExists(t, path, "as rtmpdump leaves it")
		_, err = File(t.Context(), url, path, &Options{Resume: resume})
		assert.Error(t, err)
		assert.FileExists(t, path)
	}
}
