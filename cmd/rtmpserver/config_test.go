package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/server"
)

// config writes a file and returns its name.
func config(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rtmpserver.toml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// TestConfig checks that the command line overrides the file, and that an application's table overrides both.
func TestConfig(t *testing.T) {
	file := config(t, `
		http = ":8080"
		port = 1936
		rtmpe = true
		idle-timeout = "30s"
		max-message = "2M"
		user = "a:b"
		linger = "1s"
		allow = ["10.0.0.0/8", "192.0.2.1"]
		takeover = "never"

		[app.live]
		linger = "2s"
		allow = "127.0.0.1"
		user = ["c:d", "e:f"]
		hook-down = "allow"

		[app.closed]
		allow = []
		max-bitrate = 1000000
	`)
	s, err := parse([]string{"--config", file, "--port", "1937", "--takeover", "always", "-d"})
	require.NoError(t, err)
	assert.EqualValues(t, ":8080", s.http)
	assert.EqualValues(t, 1937, s.port)
	assert.True(t, s.rtmpe)
	assert.True(t, s.debug)
	assert.Equal(t, 30*time.Second, s.idle)
	assert.EqualValues(t, 2<<20, s.maxMessage)
	assert.Equal(t, accounts{"a": "b"}, s.app.users)
	assert.Equal(t, time.Second, s.app.linger)
	assert.Len(t, s.app.allow, 2)

	live := s.apps["live"]
	assert.Equal(t, 2*time.Second, live.linger)
	assert.Equal(t, server.TakeAlways, live.takeover)
	assert.Len(t, live.allow, 1)
	assert.Equal(t, accounts{"c": "d", "e": "f"}, live.users)
	assert.Equal(t, "allow", live.hookDown)
	assert.Equal(t, "deny", s.app.hookDown)
	assert.Equal(t, "3s", live.hookTimeout.String())

	assert.Empty(t, s.apps["closed"].allow)
	assert.EqualValues(t, 1_000_000, s.apps["closed"].maxBitrate)
	assert.Equal(t, accounts{"a": "b"}, s.apps["closed"].users)
}

// TestBadOptions checks that invalid options are refused, and that the errors contain no secrets.
func TestBadOptions(t *testing.T) {
	for _, test := range []struct {
		args   []string
		config string
		want   string
	}{
		{[]string{"--nonsense"}, "", "unknown flag"},
		{[]string{"file.flv"}, "", "unexpected argument"},
		{[]string{"-k"}, "", "needs --root"},
		{[]string{"-k", "-r", "x", "--record-name", "{path}", "--pull", "rtmp://h/"}, "", "--record-name with {time}"},
		{[]string{"-r", "x", "--record-name", "{foo}"}, "", "--record-name: {foo} is unknown"},
		{[]string{"-r", "x", "--record-name", "../{name}"}, "", "--record-name: leads out of --root"},
		{[]string{"-r", "x", "--record-name", "/{name}"}, "", "--record-name: leads out of --root"},
		{[]string{"--https", ":1"}, "", "needs --tls-cert"},
		{[]string{"--tls-cert", "x"}, "", "need each other"},
		{[]string{"--tunnel", ":1"}, "", "need each other"},
		{[]string{"--tunnel", ":1", "--target", "h:1", "--http", ":2"}, "", "only forwards"},
		{[]string{"--user", "secret"}, "", "--user: not name:password"},
		{[]string{"--swf-hash", "secret"}, "", "--swf-hash: not 64"},
		{[]string{"--allow", "10.0.0.0/33"}, "", "--allow: not a network"},
		{[]string{"--max-message", "8 apples"}, "", "--max-message: not a size"},
		{[]string{"--takeover", "perhaps"}, "", "not one of stale, never, always"},
		{[]string{"--hook", "rtmp://secret/"}, "", "--hook: not an HTTP URL"},
		{[]string{"--hook", "on_hls=http://secret/"}, "", "unknown callback"},
		{[]string{"--hook-timeout", "0s"}, "", "more than 0"},
		{[]string{"-usecret"}, "", "-u"},
		{[]string{"--pull", "http://secret/"}, "", "--pull: rtmp: url: "},
		{[]string{"--push", "http://secret/"}, "", "--push: rtmp: url: "},
		{[]string{"--http", "8080"}, "", "--http: not an address, such as :8080"},
		{[]string{"--https", ":99999"}, "", "--https: not an address"},
		{[]string{"--tunnel", ":1", "--target", "h"}, "", "--target: not an address"},
		{nil, "http = '8080'", "http: not an address"},
		{[]string{"--chunk-size", "99999999"}, "", "--chunk-size must be at most 16777215"},
		{[]string{"--port", "99999"}, "", "--port: out of range"},
		{[]string{"--port", "secret"}, "", "--port: not a whole number"},
		{[]string{"--max-bitrate", "2 apples"}, "", "--max-bitrate: not a bit rate, such as 800K or 2M"},
		{[]string{"--max-bitrate", "9999999T"}, "", "--max-bitrate: not a bit rate"},
		{[]string{"--config", "/missing/file"}, "", "/missing/file"},
		{[]string{"--linger", "5"}, "", "--linger: not a time, such as"},
		{[]string{"--rtmpe=perhaps"}, "", "--rtmpe: not true or false"},
		{nil, "linger = 5", "linger: not a time, such as"},
		{[]string{"--pull", "rtmp://h/live/", "--await", "-1s"}, "", "wait"},
		{[]string{"--other-apps=false"}, "", "name an application"},
		{nil, "nonsense = 1", "nonsense: unknown option"},
		{nil, "config = 'x'", "only allowed on the command line"},
		{nil, "port = 'abc'", "port: not a whole number"},
		{nil, "port = [1, 2]", "port: only one value"},
		{nil, "user = [['secret']]", "user: not a string"},
		{nil, "port = 1\nport = 2", "line 2 (last key \"port\"): Key 'port' has already been defined"},
		{nil, "secure-token = secret", `line 1 (last key "secure-token"): expected value`},
		{nil, "app = 1", "app: "},
		{nil, "[app]\nlive = 1", "app.live: not a table"},
		{nil, "[app.live]\nport = 1", "app.live: port: unknown option"},
		{nil, "[app.live]\nrecord = true", "app.live: recording needs"},
		{nil, "[app.'a/b']\nlinger = '1s'", "app.a/b"},
	} {
		args := test.args
		if test.config != "" {
			args = append(args, "--config", config(t, test.config))
		}
		_, err := parse(args)
		name := strings.Join(test.args, " ") + test.config
		if assert.Error(t, err, name) {
			assert.Contains(t, err.Error(), test.want, name)
			assert.NotContains(t, err.Error(), "secret", name)
			assert.LessOrEqual(t, strings.Count(err.Error(), "/missing/file"), 1)
		}
	}
}

func TestBitRate(t *testing.T) {
	for text, want := range map[string]bitRate{"0": 0, "800000": 800_000, "800k": 800_000, "2M": 2_000_000, "2.5M": 2_500_000, "-1": -1} {
		var r bitRate
		require.NoError(t, r.Set(text), text)
		assert.Equal(t, want, r, text)
	}
	for _, text := range []string{"", "M", "2MB", "NaN", "1e30"} {
		assert.Error(t, new(bitRate).Set(text), text)
	}
}

// TestSize checks that sizes are parsed and formatted.
func TestSize(t *testing.T) {
	for text, want := range map[string]size{"0": 0, "1": 1, "512": 512, "4K": 4096, "4k": 4096, "1.5M": 3 << 19,
		"8MiB": 8 << 20, "2GB": 2 << 30, "1T": 1 << 40,
		"-1": -1} {
		var s size
		require.NoError(t, s.Set(text), text)
		assert.Equal(t, want, s, text)
		var again size
		if s != 0 {
			require.NoError(t, again.Set(s.String()))
		}
		assert.Equal(t, s, again)
	}
	for _, text := range []string{"", "K", "x", "1X", "1e30", "NaN", "Inf", "1KK", "B"} {
		assert.Error(t, new(size).Set(text), text)
	}
}

// TestHelp checks that --help explains every option, and names the value of each option that has one.
func TestHelp(t *testing.T) {
	text := help()
	for _, g := range defaults().groups() {
		assert.Contains(t, text, g.title)
	}
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len(line), 125, line)
	}
	for _, letters := range []string{"-i, --host", "-p, --port", "-r, --root", "-d, --debug", "-v, --verbose", "-k, --record", "-h, --help"} {
		assert.Contains(t, text, letters, "rtmplite's")
	}
}

// TestContrib checks the sample configuration file.
func TestContrib(t *testing.T) {
	s, err := parse([]string{"--config", filepath.Join("contrib", "rtmpserver.toml")})
	require.NoError(t, err)
	assert.True(t, s.apps["live"].record)
}

// TestHelpThatCannotBeWritten checks that --help and --version fail if they cannot be written.
func TestHelpThatCannotBeWritten(t *testing.T) {
	readOnly, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer readOnly.Close()
	for _, option := range []string{"--help", "--version"} {
		stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		require.NoError(t, err)
		assert.Equal(t, exitFailed, run([]string{option}, readOnly, stderr))
		require.NoError(t, stderr.Close())
		text, err := os.ReadFile(stderr.Name())
		require.NoError(t, err)
		assert.Contains(t, string(text), os.DevNull)
	}
}
