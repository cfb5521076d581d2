package server_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

func limitFiles(bytes string) error {
	if bytes == "" {
		return nil
	}
	n, err := strconv.ParseUint(bytes, 10, 64)
	if err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}

// resident returns the resident memory of a process in bytes.
func resident(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	return kib << 10
}

// TestStalledHandshakes connects ten thousand clients that begin a handshake and then send nothing. It checks that each occupies at most 16
// KiB of memory and is disconnected after SetupTimeout, and that other clients are served at the same time.
func TestStalledHandshakes(t *testing.T) {
	long(t)
	const clients = 10_000
	cmd, addr, _ := child(t, t.TempDir())
	newPeer(t, addr).connect("x")
	before := resident(t, cmd.Process.Pid)
	begun := time.Now()
	var all []net.Conn
	defer func() {
		for _, nc := range all {
			nc.Close()
		}
	}()
	for range clients {
		nc, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		all = append(all, nc)
		_, err = nc.Write([]byte{3})
		require.NoError(t, err)
	}
	dialed := time.Since(begun)
	newPeer(t, addr).connect("x")
	each := (resident(t, cmd.Process.Pid) - before) / clients
	t.Logf("%d bytes of memory each, dialed in %v", each, dialed)
	assert.LessOrEqual(t, each, 16<<10)
	for _, nc := range all {
		nc.SetReadDeadline(time.Now().Add(30 * time.Second))
		_, err := io.Copy(io.Discard, nc)
		if err != nil {
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
		}
	}
	t.Logf("all gone after %v", time.Since(begun))
	newPeer(t, addr).connect("x")
}

// TestFullDisk checks that a full disk is reported to Done, and to the publisher if it has asked for the recording. All streams must
// continue.
func TestFullDisk(t *testing.T) {
	_, addr, lines := child(t, t.TempDir(), limitVariable+"=300000")
	other := newPeer(t, addr)
	other.connect("live")
	otherID := other.CreateStream()
	other.command(otherID, "publish", 3, nil, "other", "live")
	other.UntilCode(message.CodePublishStart)
	_, viewer := play(t, "rtmp://"+addr+"/live/other")

	p := newPeer(t, addr)
	p.connect("live")
	id := p.CreateStream()
	p.command(id, "publish", 3, nil, "full", "record")
	p.UntilCode(message.CodePublishStart)
	body := append([]byte{0x17, 1, 0, 0, 0}, make([]byte, 10_000)...)
	for i := range uint32(100) {
		p.media(message.TypeVideo, id, i*40, body)
	}
	p.UntilCode(message.CodeRecordFailed)
	require.True(t, lines.Scan())
	assert.Contains(t, lines.Text(), "live/full")
	assert.NotContains(t, lines.Text(), "<nil>")
	p.media(message.TypeVideo, id, 5000, body)
	p.alive()
	other.media(message.TypeVideo, otherID, 0, body)
	assert.Equal(t, body, receive(t, viewer, 1)[0].Body)
}
