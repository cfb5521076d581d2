//go:build !windows

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestNamedPipe(t *testing.T) {
	url := startServer(t, testserver.Config{Fault: func(n int) testserver.Fault {
		if n < 2 {
			return testserver.Fault{Action: testserver.Cut, At: 80_000}
		}
		return testserver.Fault{}
	}})
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	cmd := process(t, "-q", "-r", url, "-o", pipe, "--recover")
	require.NoError(t, cmd.Start())
	got, err := os.ReadFile(pipe)
	require.NoError(t, err)
	cmd.Wait()
	assert.True(t, bytes.Equal(saved, got), "%d bytes", len(got))
}

// TestDiskFull checks that --resume is advised only if there is a file to resume.
func TestDiskFull(t *testing.T) {
	err := &download.WriteError{Err: &os.PathError{Op: "write", Path: "x.flv", Err: syscall.ENOSPC}}
	assert.Equal(t, "Failed writing x.flv, exiting! The disk is full; make room and try --resume", explain(err, "x.flv"))
	assert.Equal(t, "Failed writing standard output, exiting! The disk is full", explain(err, "-"))
}
