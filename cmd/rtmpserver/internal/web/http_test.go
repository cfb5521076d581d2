package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/server"
)

func get(t testing.TB, url string) (res *http.Response, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(b)
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	s := serve(t, new(server.Server), "")
	for path, kind := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/player.js": "text/javascript",
		"/icon.svg": "image/svg+xml", "/api/streams": "application/json"} {
		res, body := get(t, s.url+path)
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
		assert.True(t, strings.HasPrefix(res.Header.Get("Content-Type"), kind), "%s: %s", path, res.Header.Get("Content-Type"))
		policy := res.Header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), path)
		body = strings.ReplaceAll(body, `xmlns="http://www.w3.org/2000/svg"`, "")
		assert.NotContains(t, body, "//www.", path)
		assert.NotContains(t, body, "https:", path)
		assert.NotContains(t, body, "innerHTML", path)
	}
	for _, path := range []string{"/nothing", "/page/", "/../web.go", "/fmp4/live/x.flv", "/fmp4/..%2f..%2fx.mp4"} {
		res, _ := get(t, s.url+path)
		assert.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
	res, err := http.Post(s.url+"/api/streams", "text/plain", nil)
	require.NoError(t, err)
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	assert.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

// list returns the answer of /api/streams.
type list struct {
	Live []struct {
		Path, Publisher string
		Since           time.Time
		Viewers         int
		BitRate         float64
		Video           *struct {
			Codec         string
			Width, Height int
			FrameRate     float64
		}
		Audio *struct {
			Codec                string
			SampleRate, Channels int
		}
	}
	Recordings []struct {
		Path     string
		Size     int64
		Duration float64
		Video    *struct{ Codec string }
		Audio    *struct{ Codec string }
	}
}

func (s *site) list(t testing.TB) (l list) {
	t.Helper()
	_, body := get(t, s.url+"/api/streams")
	require.NoError(t, json.Unmarshal([]byte(body), &l), "%s", body)
	assert.Contains(t, body, `"recordings":[`, "never null")
	assert.Contains(t, body, `"live":[`, "never null")
	return l
}

func TestListOfLiveStreams(t *testing.T) {
	s := serve(t, new(server.Server), "")
	assert.Empty(t, s.list(t).Live)
	p, err := s.server.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	_, err = p.Write(testserver.Sample)
	require.NoError(t, err)
	live := s.list(t).Live
	require.Len(t, live, 1)
	one := live[0]
	assert.Equal(t, "live/x", one.Path)
	assert.NotEmpty(t, one.Publisher)
	assert.WithinDuration(t, time.Now(), one.Since, patience)
	assert.Zero(t, one.Viewers)
	assert.Positive(t, one.BitRate)
	assert.Equal(t, "H.264", one.Video.Codec)
	assert.Equal(t, [2]int{320, 180}, [2]int{one.Video.Width, one.Video.Height})
	assert.Positive(t, one.Video.FrameRate)
	assert.Equal(t, "AAC", one.Audio.Codec)
	assert.Equal(t, 44100, one.Audio.SampleRate)
}

func TestListOfRecordings(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	write("vod/film.flv", testserver.Sample)
	write("vod/deep/er/<b>.flv", testserver.Sample[:2000])
	write("vod/empty.flv", nil)
	write("vod/notes.txt", testserver.Sample)
	write(".hidden/film.flv", testserver.Sample)
	write("vod/.film.flv", testserver.Sample)
	write("1/2/3/4/5/6/7/8/9/film.flv", testserver.Sample)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.flv"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(dir, "vod", "film.flv"), filepath.Join(dir, "link.flv")))
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "vod", "film.flv"), old, old))
	s := serve(t, new(server.Server), dir)
	all := s.list(t).Recordings
	var paths []string
	for _, one := range all {
		paths = append(paths, one.Path)
	}
	assert.ElementsMatch(t, []string{"vod/film", "vod/deep/er/<b>", "vod/empty"}, paths)
	require.Len(t, all, 3)
	film := all[2] // the oldest
	assert.Equal(t, "vod/film", film.Path)
	assert.EqualValues(t, len(testserver.Sample), film.Size)
	assert.InDelta(t, 10, film.Duration, 0.5)
	assert.Equal(t, "H.264", film.Video.Codec)
	assert.Equal(t, "AAC", film.Audio.Codec)
	assert.Empty(t, serve(t, new(server.Server), filepath.Join(dir, "missing")).list(t).Recordings)
}

func TestFMP4Refusals(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir, AsFast: true}, Live: server.Live{Await: -1}},
		"token": {Token: "x"}}}, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nothing.flv"), testserver.Sample[:13], 0o600))
	for path, want := range map[string]int{"live/x": 404, "token/x": 403, "nothing": 415} {
		res, _ := get(t, s.url+"/fmp4/"+path+".mp4")
		assert.Equal(t, want, res.StatusCode, path)
	}
}

// TestFMP4HasThePacketsOfFLV checks that ffprobe finds the same packets in fragmented MP4 as in HTTP-FLV, from the same position on.
func TestFMP4HasThePacketsOfFLV(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	dir := t.TempDir()
	film(t, dir, "vod/film.flv", 6)
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir, AsFast: true}}}}, dir)
	packets := func(url, kind string) []string {
		out := programtest.Run(t, "ffprobe", "-v", "warning", "-select_streams", kind, "-show_packets", "-show_data_hash", "md5", "-show_entries",
			"packet=pts_time,data_hash", "-of", "csv=p=0", url)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Greater(t, len(lines), 20, out)
		return lines
	}
	for _, start := range []string{"0", "3"} {
		for _, kind := range []string{"v", "a"} {
			want := packets(s.url+"/flv/vod/film.flv?start="+start, kind)
			got := packets(s.url+"/fmp4/vod/film.mp4?start="+start, kind)
			assert.Equal(t, len(want), len(got), "%s from %s s", kind, start)
			assert.Equal(t, want, got, "%s from %s s", kind, start)
		}
	}
}
