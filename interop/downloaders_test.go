//go:build unix

package interop

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// downloaders are the programs that call rtmpdump. Debian's youtube-dl is an empty package that installs yt-dlp, so youtube-dl is tested
// only if it was installed in another way.
var downloaders = []struct {
	name  string
	empty bool
}{{"yt-dlp", false}, {"youtube-dl", true}}

// downloader starts a downloader in its own process group, with our rtmpdump first on PATH and a new home directory.
func downloader(t *testing.T, name, url, file string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, "--ignore-config", "--no-cache-dir", "--newline", "--verbose", "-o", file, url)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "PATH="+ourFolder(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// downloaded runs a downloader until it ends.
func downloaded(t *testing.T, name, url, file string) (printed string) {
	t.Helper()
	cmd := downloader(t, name, url, file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	hanging := time.AfterFunc(60*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer hanging.Stop()
	require.NoError(t, cmd.Wait(), "%s", out.String())
	assert.Contains(t, out.String(), "[rtmpdump] (go-librtmp", "it was ours")
	return out.String()
}

// killedDownloader starts a downloader and kills it, alone or with its rtmpdump, after it has shown progress.
func killedDownloader(t *testing.T, name, url, file string, alone bool) {
	t.Helper()
	cmd := downloader(t, name, url, file)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	group := -cmd.Process.Pid
	hanging := time.AfterFunc(60*time.Second, func() { syscall.Kill(group, syscall.SIGKILL) })
	defer hanging.Stop()
	lines := bufio.NewScanner(stdout)
	shown := 0
	for shown < 2 && lines.Scan() {
		if progress(lines.Text()) {
			shown++
		}
	}
	assert.Equal(t, 2, shown, "the downloader must show progress")
	if alone {
		require.NoError(t, cmd.Process.Kill())
		io.Copy(io.Discard, stdout) // wait for its rtmpdump, which also has the pipe open
	} else {
		require.NoError(t, syscall.Kill(group, syscall.SIGKILL))
	}
	cmd.Wait()
}

// progress reports whether a line is a downloader's progress, with a percentage.
func progress(line string) bool {
	return strings.HasPrefix(line, "[download] ") && strings.Contains(line, "% of ")
}

func TestDownloaders(t *testing.T) {
	t.Parallel() // the test waits most of the time
	programtest.Need(t, "ffmpeg")
	content := film(t)
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": content, "sample": testserver.Sample}})
	whole, want := saved(t, s.URL("vod", "film"))
	for _, d := range downloaders {
		if _, err := exec.LookPath(d.name); err != nil && d.empty {
			t.Logf("%s is not installed, and Debian's package of that name is empty", d.name)
			continue
		}
		programtest.Need(t, d.name)
		for _, alone := range []bool{false, true} {
			name := d.name + " killed with its rtmpdump"
			if alone {
				name = d.name + " killed alone"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				// The relay is slow enough for progress to be shown, which happens five times a second, and for the kill to be long
				// before the end.
				slow := startRelay(t, s.Addr(), 60_000, nil)
				fast := startRelay(t, s.Addr(), 300_000, nil)
				file := filepath.Join(t.TempDir(), "film.flv")
				killedDownloader(t, d.name, "rtmp://"+slow.Addr().String()+"/vod/film", file, alone)
				size := len(readable(t, file+".part"))
				assert.Positive(t, size)
				assert.Less(t, size, len(want)*3/4)

				printed := downloaded(t, d.name, "rtmp://"+fast.Addr().String()+"/vod/film", file)
				assert.Contains(t, printed, "download at: ")
				assert.Contains(t, printed, "% of ")
				assert.NoFileExists(t, file+".part")
				got, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(want, got), "%d bytes", len(got))
				assert.Equal(t, packets(t, whole), packets(t, file))
			})
		}
		// RTMPDump considers the file incomplete, since it ends at 99.6 % of the duration. The downloader resumes it at once, and then
		// accepts it.
		t.Run(d.name+" and the end", func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "sample.flv")
			printed := downloaded(t, d.name, s.URL("vod", "sample"), file)
			assert.Contains(t, printed, "Resuming download at: ")
			assert.Equal(t, mediaOnly(packets(t, writeSample(t, t.TempDir(), "sample.flv", 0))), mediaOnly(packets(t, file)))
		})
	}
}
