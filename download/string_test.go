package download

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
