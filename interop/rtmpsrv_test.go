package interop

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
)

// startRtmpsrv runs librtmp's server, which can only listen on port 1935. For every stream that is played, the server starts the
// rtmpdump that it finds on PATH. startRtmpsrv therefore puts a program of that name there that does nothing.
func startRtmpsrv(t *testing.T) (addr string, stop func() (printed string)) {
	t.Helper()
	programtest.Need(t, "rtmpsrv")
	const port = "1935"
	l, err := net.Listen("tcp", ":"+port)
	require.NoError(t, err, "rtmpsrv can't use another port")
	l.Close()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rtmpdump"), []byte("#!/bin/sh\n"), 0o755))
	program, err := exec.LookPath("rtmpsrv")
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, []string{"PATH=" + dir + ":/usr/bin:/bin"}, 5*time.Second
	_, err = cmd.StdinPipe() // standard input must stay open, since rtmpsrv loops at its end
	require.NoError(t, err)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	stop = func() string {
		cmd.Process.Kill()
		cmd.Wait()
		return log.String()
	}
	t.Cleanup(func() { stop() })
	return "127.0.0.1:" + port, stop
}

// TestRtmpsrv tests our RTMPE with librtmp's own server. The server answers connect and createStream. When it receives play, it prints the
// command that would play the same stream, and closes the connection.
func TestRtmpsrv(t *testing.T) {
	addr, stop := startRtmpsrv(t)
	conntest.UntilListening(t, addr)
	for _, scheme := range []string{"rtmp", "rtmpe"} {
		c, err := rtmp.Dial(conntest.Context(t), scheme+"://"+addr+"/app/of-"+scheme, nil)
		require.NoError(t, err)
		defer c.Close()
		require.NotEmpty(t, c.ConnectReply())
		_, err = c.CreateStream(conntest.Context(t), nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.ErrorContains(t, err, "play of-"+scheme+": read: the server closed the connection")
	}

	// Our client never asks for XTEA.
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	result, err := handshake.Client(nc, handshake.Config{Encryption: handshake.EncryptionXTEA})
	require.NoError(t, err)
	assert.Equal(t, handshake.EncryptionXTEA, result.Encryption)
	assert.True(t, result.ReplyValid)

	printed := stop()
	assert.Contains(t, printed, `-y "of-rtmp"`)
	assert.Contains(t, printed, `-y "of-rtmpe"`)
}
