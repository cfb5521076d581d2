package swf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
)

// runRTMPDump makes rtmpdump hash the player at url, with its cache in home. Its connection is then refused.
func runRTMPDump(t *testing.T, home, url string, more ...string) {
	t.Helper()
	programtest.Need(t, "rtmpdump")
	arguments := append([]string{"--swfVfy", url, "-r", "rtmp://127.0.0.1:1/app/name", "-o", filepath.Join(home, "out.flv")}, more...)
	cmd := exec.CommandContext(t.Context(), "rtmpdump", arguments...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "port 1 is in use")
	require.Contains(t, string(out), "Connecting", "rtmpdump must have tried to connect: %s", out)
}

func TestWeReadRTMPDumpsCache(t *testing.T) {
	s, home := newSite(t), t.TempDir()
	s.change(testdata(t, "player.cws"), goldenModified)
	runRTMPDump(t, home, s.url+"?a=b/c")
	require.Len(t, s.asked(), 1)

	requireHash(t, s.url, &Options{CacheFile: filepath.Join(home, ".swfinfo")}, playerHash)
	assert.Empty(t, s.asked())
}

func TestRTMPDumpReadsOurCache(t *testing.T) {
	s, home := newSite(t), t.TempDir()
	c := cache{path: filepath.Join(home, ".swfinfo")}
	requireHash(t, s.url, &Options{CacheFile: c.path}, playerHash)
	require.Len(t, s.asked(), 1)
	before, err := os.ReadFile(c.path)
	require.NoError(t, err)

	runRTMPDump(t, home, s.url)
	assert.Empty(t, s.asked(), "rtmpdump uses our record")
	after, err := os.ReadFile(c.path)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))

	runRTMPDump(t, home, s.url, "--swfAge", "0")
	sent := s.asked()
	require.Len(t, sent, 1)
	assert.Equal(t, "Fri, 20 Nov 2026 22:00:00 GMT", sent[0].Get("If-Modified-Since"))
	r, err := c.lookup(s.url)
	require.NoError(t, err)
	assert.Equal(t, playerHash, hexOf(r.hash[:]))
}

// TestRTMPDumpOverwritesOurRecord checks that a record without a date has room for one, since rtmpdump overwrites records in place.
func TestRTMPDumpOverwritesOurRecord(t *testing.T) {
	s, home := newSite(t), t.TempDir()
	c := cache{path: filepath.Join(home, ".swfinfo")}
	mine := record{url: s.url, checked: time.Now().Add(-1000 * time.Hour), size: 9}
	other := goldenRecord(t, "http://other.example/x.swf")
	require.NoError(t, c.store(mine))
	require.NoError(t, c.store(other))

	runRTMPDump(t, home, s.url)
	require.Len(t, s.asked(), 1)
	r, err := c.lookup(s.url)
	require.NoError(t, err)
	assert.Equal(t, playerHash, hexOf(r.hash[:]))
	assert.Equal(t, goldenModified, r.modified)
	kept, err := c.lookup(other.url)
	require.NoError(t, err)
	assert.Equal(t, other, kept)
}
