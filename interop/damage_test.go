package interop

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// film returns the sample with a duration in its metadata that RTMPDump accepts as complete.
func film(t *testing.T) []byte { return recordingOf(t, rtmptest.SampleTags(t), 10) }

// startNginxFilm runs nginx-rtmp, which serves the film as /vod/film.flv.
func startNginxFilm(t *testing.T) (addr string) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "film.flv"), film(t), 0o600))
	return programtest.Nginx(t, dir)
}

// saved returns the result of an uninterrupted download by our rtmpdump.
func saved(t *testing.T, url string) (file string, content []byte) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "whole.flv")
	out := dump(t, "-r", url, "-o", file)
	require.Zero(t, out.code, out.stderr)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return file, content
}

// cutAgainAndAgain downloads from url, whose server closes every connection too early, until the file is complete. reference is the URL
// of the same stream on a server that sends it to the end.
func cutAgainAndAgain(t *testing.T, url, reference string) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	whole, want := saved(t, reference)
	for range times(2, 20) {
		file := filepath.Join(t.TempDir(), "cut.flv")
		size := 0
		for i := 0; ; i++ {
			require.Less(t, i, 40)
			out := dump(t, "-r", url, "-e", "-o", file)
			content := readable(t, file)
			require.True(t, bytes.HasPrefix(want, content), out.stderr)
			require.GreaterOrEqual(t, len(content), size, "the file must never shrink: %s", out.stderr)
			size = len(content)
			if out.code == 0 {
				break
			}
			require.Equal(t, 2, out.code, out.stderr)
			require.Contains(t, out.stderr, "try resuming")
		}
		// The last 80 ms are beyond the duration, so a connection that is closed there looks complete.
		require.GreaterOrEqual(t, size, len(want)-5000)
		if size == len(want) {
			require.Equal(t, packets(t, whole), packets(t, file))
		}
	}
}

func TestServerHangsUp(t *testing.T) {
	t.Parallel()
	t.Run("testserver", func(t *testing.T) {
		random := rand.New(rand.NewPCG(7, 6))
		files := map[string][]byte{"film": film(t)}
		s := rtmptest.Server(t, testserver.Config{Files: files, Fault: func(n int) testserver.Fault {
			return testserver.Fault{Action: testserver.Cut + testserver.Action(n%2), At: 40_000 + random.Int64N(200_000)}
		}})
		cutAgainAndAgain(t, s.URL("vod", "film"), rtmptest.Server(t, testserver.Config{Files: files}).URL("vod", "film"))
	})
	t.Run("nginx", func(t *testing.T) {
		random := rand.New(rand.NewPCG(8, 6))
		addr := startNginxFilm(t)
		var mu sync.Mutex
		limit := int64(0)
		r := startRelay(t, addr, 4_000_000, func(n int64) bool { // slow, so that received data is not lost to a reset
			mu.Lock()
			defer mu.Unlock()
			if n == 0 {
				limit = 40_000 + random.Int64N(200_000)
			}
			return n < limit
		})
		cutAgainAndAgain(t, "rtmp://"+r.Addr().String()+"/vod/film.flv", "rtmp://"+addr+"/vod/film.flv")
	})
}

// endOf returns the size in bytes of the last n tags of a file.
func endOf(t *testing.T, file []byte, n int) (size int) {
	tags := rtmptest.Tags(t, file)
	for _, tag := range tags[len(tags)-n:] {
		size += flv.TagOverhead + len(tag.Body)
	}
	return size
}

// TestChopped resumes downloads of files whose end is missing: every seventh number of bytes, from none to the last tags, and every number
// of bytes with RTMP_LONG=1.
func TestChopped(t *testing.T) {
	t.Parallel()
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": film(t)}})
	nginx := startNginxFilm(t)
	random := rand.New(rand.NewPCG(9, 6))
	for _, test := range []struct{ name, url string }{
		{"testserver", s.URL("vod", "film")}, {"nginx", "rtmp://" + nginx + "/vod/film.flv"},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole, want := saved(t, test.url)
			file := filepath.Join(t.TempDir(), "chopped.flv")
			most := endOf(t, want, 3)
			if test.name == "testserver" {
				most = max(most, times(0, 20_000))
				for missing := 0; missing < most; missing += times(7, 1) {
					require.NoError(t, os.WriteFile(file, want[:len(want)-missing], 0o600))
					result, err := download.File(t.Context(), test.url, file, &download.Options{Resume: true, Quirks: true})
					require.NoError(t, err, "%d bytes are missing", missing)
					got, err := os.ReadFile(file)
					require.NoError(t, err)
					require.True(t, bytes.Equal(want, got), "%d bytes are missing, %v", missing, &result)
				}
			}
			for range times(5, 100) { // the same with the command
				missing := random.IntN(most)
				require.NoError(t, os.WriteFile(file, want[:len(want)-missing], 0o600))
				out := dump(t, "-r", test.url, "-e", "-o", file)
				require.Zero(t, out.code, "%d bytes are missing: %s", missing, out.stderr)
				got, err := os.ReadFile(file)
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got), "%d bytes are missing: %s", missing, out.stderr)
			}
			programtest.Need(t, "ffmpeg")
			assert.Equal(t, packets(t, whole), packets(t, file))
		})
	}
}

// mortal is a server that can be stopped and restarted at the same address.
type mortal struct {
	t      *testing.T
	film   []byte
	server *testserver.Server
}

func (m *mortal) live(addr string) {
	l, err := net.Listen("tcp", addr)
	require.NoError(m.t, err)
	m.server = testserver.Serve(l, testserver.Config{Realtime: true, Files: map[string][]byte{"film": m.film}})
}

// TestServerDies downloads one file, without duplicates or gaps, from a server that crashes after each second of the stream and stays away
// for a while.
func TestServerDies(t *testing.T) {
	t.Parallel()
	n := times(4, 60)
	m := &mortal{t: t, film: recordingOf(t, rtmptest.RepeatedSample(t, n), float64(n)*10.08)}
	m.live("127.0.0.1:" + conntest.UnusedPort(t))
	defer func() { m.server.Close() }()
	addr := m.server.Addr()
	deaths, refused := 0, 0
	next, dead := time.Second, false
	progress := func(p *download.Progress) { // called on the goroutine of this test
		switch {
		case p.Phase == download.Receiving && p.Position >= next && !dead:
			m.server.Close()
			deaths, dead = deaths+1, true
		case p.Phase == download.Retrying && dead:
			if refused++; refused%2 == 0 { // the server stays away for one attempt
				m.live(addr)
				next, dead = p.Position+time.Second, false
			}
		}
	}
	file := filepath.Join(t.TempDir(), "out.flv")
	result, err := download.File(conntest.Context(t), "rtmp://"+addr+"/vod/film", file, &download.Options{
		RTMP:     &rtmp.Options{Buffer: time.Second}, // the server sends this far ahead, and 64 KiB more
		Recover:  &download.Recovery{Delay: time.Millisecond, MaxDelay: time.Millisecond},
		Progress: progress, KeepBuffer: true,
	})
	require.NoError(t, err)
	assert.Equal(t, download.Complete, result.Outcome)
	assert.GreaterOrEqual(t, deaths, 2*n)
	assert.Contains(t, []int{deaths, deaths + 1}, result.Sessions, "after the last crash there may be nothing left to send")
	for _, splice := range result.Splices {
		assert.True(t, splice.ByContent)
		assert.Zero(t, splice.Gap)
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(m.film, got))
	t.Logf("%d deaths, %v", deaths, &result)
}
