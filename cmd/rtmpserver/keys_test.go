package main

import (
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestKeys checks which keys are valid for which stream.
func TestKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("# comment\n\nlive/a one\nlive/a two\nlive/* any\n")
	k, err := newKeys(file)
	require.NoError(t, err)
	for _, test := range []struct {
		path, key string
		allowed   bool
	}{
		{"live/a", "one", true}, {"live/a", "two", true}, {"live/a", "any", false}, {"live/a", "", false}, {"live/a", "on", false},
		{"live/b", "any", true}, {"live/b/c", "any", true}, {"live/b", "one", false}, {"other/a", "one", false}, {"live/*", "any", true},
	} {
		err := k.check(&server.Request{Path: test.path, Query: url.Values{"key": {test.key}}})
		assert.Equal(t, test.allowed, err == nil, "%s %s", test.path, test.key)
	}
	write("live/a three four\n")
	err = k.reload()
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "three")
	assert.NoError(t, k.check(&server.Request{Path: "live/a", Query: url.Values{"key": {"one"}}}), "what was there stays")
}

// denied asserts that err says that a server has refused a publisher.
func denied(t *testing.T, err error) {
	t.Helper()
	var status *rtmp.StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, message.CodePublishDenied, status.Code)
}

// TestKeysOfPublishers checks that a publisher can send its key with the name, and that the file is read again after SIGHUP. Neither the
// log of -v nor the recording of --capture may contain a key.
func TestKeysOfPublishers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("live/a first\n"), 0o600))
	dir := t.TempDir()
	c := start(t, "--keys", file, "-v", "-d", "--capture", dir)
	_, err := tryPublish(t, c.url("live/a"))
	denied(t, err)
	_, err = tryPublish(t, c.url("live/a?key=second"))
	denied(t, err)
	first := publish(t, c.url("live/a?key=first"))
	play(t, c.url("live/a")).takes(1)
	first.stop()

	require.NoError(t, os.WriteFile(file, []byte("live/a second\n"), 0o600))
	c.signal(syscall.SIGHUP)
	c.await("keys reloaded")
	_, err = tryPublish(t, c.url("live/a?key=first"))
	denied(t, err)
	publish(t, c.url("live/a?key=second"))

	assert.Contains(t, c.text(), `"command":"publish"`)
	assert.NotContains(t, c.text(), "first")
	assert.NotContains(t, c.text(), "second")
	assert.NotContains(t, c.text(), "live/a")
	c.signal(os.Interrupt)
	c.await("shutting down")
	c.signal(os.Interrupt)
	c.wait()
	captured, err := filepath.Glob(filepath.Join(dir, "*.rtmpcap"))
	require.NoError(t, err)
	require.NotEmpty(t, captured)
	for _, name := range captured {
		f, err := capture.Open(name)
		require.NoError(t, err)
		assert.NotEmpty(t, f.Sessions())
		f.Close()
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.NotContains(t, string(b), "key=first")
	}
}
