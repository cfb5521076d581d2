// Package programtest runs other programs in tests.
package programtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var debianPackages = map[string]string{
	"nginx": "nginx-light", NginxModule: "libnginx-mod-rtmp", "danted": "dante-server", "rtmpsrv": "rtmpdump", "ffprobe": "ffmpeg",
}

// Need skips the test with -short, and if a program is missing. In CI, where all programs are installed, a missing one fails the test instead.
// A name with a slash is a file that must exist.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the test runs other programs")
	}
	for _, program := range programs {
		_, err := exec.LookPath(program)
		if program == NginxModule { // a file that can't be executed
			_, err = os.Stat(program)
		}
		if err != nil {
			name, ok := debianPackages[program]
			if !ok {
				name = program
			}
			Missing(t, fmt.Sprintf("%s is missing: apt-get install %s", program, name))
		}
	}
}

// Missing skips the test, or fails it in CI. text says what is missing.
func Missing(t testing.TB, text string) {
	t.Helper()
	if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Output runs a program to its end, for at most two minutes. It returns standard output and standard error together, and the error of exec.
// The home directory is empty, since rtmpdump keeps a cache there. Call Need first.
func Output(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Run is like Output, but fails the test if the program fails.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := Output(t, name, args...)
	if name == "rtmpdump" && exitCode(err) == 2 {
		err = nil // the last packet begins before 99.9 % of the duration
	}
	if name == "curl" && exitCode(err) == 28 {
		err = nil // the program was ended by its option -m
	}
	require.NoError(t, err, "%s: %s", name, out)
	return out
}

// Start starts a program, and kills it at the end of the test. The output is logged if the test fails.
func Start(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, out.String())
		}
	})
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return 0
}
