package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

// startNginx runs nginx-rtmp with the recordings, and returns its address.
func startNginx(t *testing.T) string {
	t.Helper()
	const module = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
	need(t, "nginx")
	if _, err := os.Stat(module); err != nil {
		if text := "nginx-rtmp is missing: apt-get install libnginx-mod-rtmp"; os.Getenv("CI") != "" {
			t.Fatal(text)
		} else {
			t.Skip(text)
		}
	}
	dir := t.TempDir()
	for name, file := range recordings(t) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".flv"), file, 0o644))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	l.Close()
	config := fmt.Sprintf(`load_module %s; master_process off; daemon off; pid %s/pid; error_log %s/error.log;
		events { worker_connections 64; } rtmp { access_log off; server { listen %s; application vod { play %s; } } }`,
		module, dir, dir, addr, dir)
	if os.Getuid() == 0 {
		config = "user root; " + config
	}
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
	cmd := exec.Command("nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
	return addr
}

// The same files and exit codes with nginx-rtmp, and what RTMPDump can't: resuming there.
func TestSameAsOriginalWithNginx(t *testing.T) {
	need(t, "rtmpdump")
	url := "rtmp://" + startNginx(t) + "/vod/"
	for name, args := range map[string][]string{
		"plain":    {"-r", url + "sample"},
		"URL":      {"-i", url + "sample"},
		"start":    {"-r", url + "sample", "-A", "4"},
		"stop":     {"-r", url + "sample", "-B", "3"},
		"bare":     {"-r", url + "bare"},
		"sound":    {"-r", url + "sound"},
		"pictures": {"-r", url + "silent"},
		"short":    {"-r", url + "short"},
		"playlist": {"-r", url + "sample", "-Y"},
		"missing":  {"-r", url + "nosuch", "-m", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var stdout, stderr, theirErr bytes.Buffer
			a, b := filepath.Join(dir, "a.flv"), filepath.Join(dir, "b.flv")
			want := theirs(append(args, "-o", a), &stdout, &theirErr)
			got := ours(append(args, "-o", b), &stdout, &stderr)
			assert.Equal(t, want, got, "%s\n---- theirs:\n%s", stderr.String(), theirErr.String())
			theirFile, err := os.ReadFile(a)
			require.NoError(t, err)
			ourFile, err := os.ReadFile(b)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(theirFile, ourFile), "%d bytes, theirs %d", len(ourFile), len(theirFile))
		})
	}
	t.Run("resume", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "out.flv")
		var stdout, stderr bytes.Buffer
		ours([]string{"-r", url + "sample", "-o", file}, &stdout, &stderr)
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		for n := len(want) - 1; n > 0; n -= 20_011 {
			require.NoError(t, os.WriteFile(file, want[:n], 0o600))
			ours([]string{"-q", "-e", "-r", url + "sample", "-o", file, "--json"}, &stdout, &stderr)
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, contents(t, want), contents(t, got), "%d bytes", n)
		}
	})
}

// contents are the tags of a file but for what nginx says about itself, which has its time.
func contents(t *testing.T, file []byte) (list []string) {
	all, err := testserver.Tags(file)
	require.NoError(t, err)
	for _, tag := range all {
		list = append(list, fmt.Sprintf("%s %d %d", tag.Type, tag.Timestamp, len(tag.Body)))
	}
	return list
}
