package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/media"
)

// runProgram runs one of programs/, and returns its output and error.
func runProgram(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	out, err := exec.Command("go", "build", "-o", program, "./programs/"+name).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return exec.CommandContext(testContext(t), program, args...).Output()
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(testContext(t), "ffmpeg", append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestPrograms runs the programs of docs/access-units.md, and the same with gortmplib.
func TestPrograms(t *testing.T) {
	need(t, "ffmpeg")
	dir := t.TempDir()
	pictures, sound := filepath.Join(dir, "pictures.h264"), filepath.Join(dir, "sound.aac")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=4", "-c:v", "libx264", "-bf", "0", "-g", "25", pictures)
	ffmpeg(t, "-f", "lavfi", "-i", "sine=sample_rate=44100:duration=4", "-ac", "2", "-c:a", "aac", sound)
	for _, name := range []string{"publish", "publish-gortmplib"} {
		server, err := testserver.Start(testserver.Config{RecordDir: dir})
		require.NoError(t, err)
		defer server.Close()
		url := server.URL("live", name)
		if name == "publish-gortmplib" {
			url = "rtmp://" + server.Addr() + "/live#" + name
		}
		_, err = runProgram(t, name, url, pictures, sound)
		require.NoError(t, err, name)
		recorded := func() (pictures, sound int) {
			file, err := os.ReadFile(filepath.Join(dir, name+".flv"))
			require.NoError(t, err)
			r := media.NewFileReader(flv.NewReader(bytes.NewReader(file)))
			for u := (media.Unit{}); r.Read(&u) == nil; {
				if u.Track.IsVideo() {
					pictures++
				} else {
					sound++
				}
			}
			return pictures, sound
		}
		if name == "publish" { // our Close has waited until everything had arrived
			n, m := recorded()
			assert.Equal(t, []int{100, 174}, []int{n, m})
			continue
		}
		require.Eventually(t, func() bool { n, m := recorded(); return n == 100 && m == 174 }, testTimeout, 10*time.Millisecond)
	}
	server, err := testserver.Start(testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}})
	require.NoError(t, err)
	defer server.Close()
	read, err := runProgram(t, "read", server.URL("vod", "sample"))
	require.NoError(t, err)
	assert.Equal(t, 250, units(t, read))
	read, err = runProgram(t, "read-gortmplib", "rtmp://"+server.Addr()+"/vod#sample")
	require.Error(t, err) // gortmplib does not distinguish the end of the stream from an error
	assert.Equal(t, 250, units(t, read))
}

// units counts the access units of a byte stream of H.264.
func units(t *testing.T, b []byte) (n int) {
	t.Helper()
	s := media.NewAccessUnitScanner(bytes.NewReader(b), media.H264)
	for s.Scan() {
		n++
	}
	require.NoError(t, s.Err())
	return n
}

// TestProgramsInTheDocumentation checks that the programs in the documentation are the same as those in programs/.
func TestProgramsInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../docs/access-units.md")
	require.NoError(t, err)
	for _, name := range []string{"publish", "read"} {
		program, err := os.ReadFile(filepath.Join("programs", name, "main.go"))
		require.NoError(t, err)
		assert.Contains(t, string(page), "```go\n"+string(program)+"```", name)
	}
}
