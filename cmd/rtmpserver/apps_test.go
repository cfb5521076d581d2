package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestApplications checks that applications can have their own settings.
func TestApplications(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, "--config", config(t, `
		other-apps = false
		root = "`+filepath.ToSlash(dir)+`"
		[app.rec]
		record = true
		record-name = "{app}-{name}-{time}"
		[app.closed]
		deny = ["127.0.0.0/8"]
		[app.asked]
		record-asked = true
		[app.users]
		user = ["name:password"]
	`))
	dial := func(path string) error {
		conn, err := rtmp.Dial(conntest.Context(t), c.url(path), &rtmp.Options{Publish: true})
		if err == nil {
			conn.Close()
		}
		return err
	}
	var status *rtmp.StatusError
	require.ErrorAs(t, dial("other/x"), &status)
	assert.Equal(t, message.CodeConnectInvalidApp, status.Code)
	require.ErrorAs(t, dial("closed/x"), &status)
	assert.Equal(t, message.CodeConnectRejected, status.Code)
	assert.Error(t, dial("users/x"))
	publish(t, "rtmp://name:password@"+c.rtmp+"/users/x")

	for _, path := range []string{"rec/x", "asked/x"} {
		p := publish(t, c.url(path))
		play(t, c.url(path)).takes(5)
		p.stop()
	}
	c.await(`"recorded","app":"rec","conn":`)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	assert.Empty(t, files)
	files, err = filepath.Glob(filepath.Join(dir, "rec-x-*.flv"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	played := filepath.Join(dir, "asked", "film.flv")
	require.NoError(t, os.Mkdir(filepath.Dir(played), 0o755))
	require.NoError(t, os.Rename(files[0], played))
	playAny(t, c.url("asked/film"), nil).takes(5)
}

// TestWithoutApplication checks that a client can't bypass the rules of an application by connecting with an empty app.
func TestWithoutApplication(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(keys, []byte("live/x secret\n"), 0o600))
	c := start(t, "--config", config(t, "[app.live]\nkeys = '"+keys+"'"))
	for _, writable := range []bool{true, false} {
		conn, err := rtmp.Dial(conntest.Context(t), "rtmp://"+c.rtmp, &rtmp.Options{Publish: writable, Playpath: "live/x"})
		require.NoError(t, err)
		defer conn.Close()
		s, err := conn.CreateStream(conntest.Context(t), &rtmp.StreamOptions{Writable: writable})
		if err == nil {
			_, err = s.Read(make([]byte, 1))
		}
		var status *rtmp.StatusError
		require.ErrorAs(t, err, &status)
		assert.Contains(t, []string{message.CodePublishDenied, message.CodePlayFailed}, status.Code)
	}
	publish(t, c.url("live/x?key=secret"))
}

// TestRecordingName checks the names of recordings.
func TestRecordingName(t *testing.T) {
	at := time.Date(2026, 11, 26, 23, 59, 58, 7e6, time.UTC)
	r := &server.Request{Path: "live/room/x", Name: "x", User: "u"}
	assert.Equal(t, filepath.FromSlash("live/x/20261126-235958.007-u"), recordingName("{app}/{name}/{time}-{user}", r, at))
	assert.Equal(t, filepath.FromSlash("live/room/x"), recordingName("{path}", r, at))
}

// TestRootThatDoesNotExist checks that a misspelled folder is noticed, also if a recording will create it.
func TestRootThatDoesNotExist(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	start(t, "--root", missing).await("there are no files to play")
	oneRecords := config(t, "root = '"+missing+"'\n[app.live]\nrecord = true\n[app.vod]\n[app.more]")
	for _, options := range [][]string{{"--root", missing, "--record"}, {"--root", missing, "--record-asked"}, {"--config", oneRecords}} {
		c := start(t, options...)
		c.await("the first recording creates it")
		assert.NotContains(t, c.text(), "WARN")
	}
}

// TestRootThatIsAFile checks that the server does not start if nothing could be recorded.
func TestRootThatIsAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := startIn(t, t.TempDir(), "--root", file, "--record")
	<-c.ended
	assert.Equal(t, 1, c.cmd.ProcessState.ExitCode())
	assert.Contains(t, c.text(), "not a folder")
}
