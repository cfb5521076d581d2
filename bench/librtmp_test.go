package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// compile compiles librtmp/bench.c, or skips the benchmark where that can't be done.
func compile(b *testing.B) (program string) {
	b.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		b.Skip("cc is missing: apt-get install gcc libc6-dev")
	}
	check := exec.Command("cc", "-E", "-")
	check.Stdin = strings.NewReader("#include <librtmp/rtmp.h>\n")
	if check.Run() != nil {
		b.Skip("librtmp/rtmp.h is missing: apt-get install librtmp-dev")
	}
	program = filepath.Join(b.TempDir(), "bench")
	out, err := exec.Command("cc", "-O2", "-Wall", "-o", program, filepath.Join("librtmp", "bench.c"), "-lrtmp").CombinedOutput()
	require.NoError(b, err, "%s", out)
	return program
}

// runLibrtmp runs the program for b.N iterations of so many bytes of FLV, and reports the CPU time that it prints.
func runLibrtmp(b *testing.B, size int, program string, args ...string) {
	b.Helper()
	b.SetBytes(int64(size))
	var complaints bytes.Buffer
	cmd := exec.CommandContext(b.Context(), program, args...)
	cmd.Stderr = &complaints
	b.ResetTimer()
	out, err := cmd.Output()
	b.StopTimer()
	require.NoError(b, err, "%s", complaints.String())
	microseconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(b, err)
	reportCPU(b, microseconds/1e6, size)
}

func publishWithLibrtmp(b *testing.B, tags []byte) {
	program := compile(b)
	file := filepath.Join(b.TempDir(), "mix.flv")
	require.NoError(b, os.WriteFile(file, tags, 0o600))
	require.Less(b, len(tags), 64<<20, "what bench.c can load")
	addr, _ := startCounterpart(b, "accept")
	runLibrtmp(b, len(tags), program, "publish", "rtmp://"+addr+"/app/stream", strconv.Itoa(b.N), file)
}
