package server_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/server"
)

// childVariable is an environment variable that makes a child process of this test binary run a server. Its value is the folder in
// which the server records everything. limitVariable limits the size of the child's files, in bytes.
const (
	childVariable = "SERVER_TEST_DIR"
	limitVariable = "SERVER_TEST_LIMIT"
)

// serveAsChild is the child's main function. It prints its address and the results of its recordings.
func serveAsChild(dir string) {
	err := limitFiles(os.Getenv(limitVariable))
	if err == nil {
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err == nil {
			fmt.Println(l.Addr())
			err = (&server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir,
				Done: func(r *server.Request, _ string, err error) { fmt.Println(r.Path, err) }}}}}).Serve(l)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// child starts a server in a separate process, and kills it at the end of the test.
func child(t testing.TB, dir string, env ...string) (cmd *exec.Cmd, addr string, lines *bufio.Scanner) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd = exec.Command(program)
	cmd.Env = append(append(os.Environ(), env...), childVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines = bufio.NewScanner(out)
	require.True(t, lines.Scan())
	return cmd, strings.TrimSpace(lines.Text()), lines
}

// long skips a test that takes minutes or thousands of sockets unless RTMP_LONG is set.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("RTMP_LONG") == "" {
		t.Skip("RTMP_LONG=1 runs it")
	}
}
