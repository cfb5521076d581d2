package url_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

func TestCheckFollow(t *testing.T) {
	for _, test := range []struct {
		from, to         string
		may, mayIfOthers bool
	}{
		{"rtmp://host/a", "rtmp://host/b", true, true},
		{"rtmp://host/a", "rtmp://HOST:1935/b", true, true},
		{"rtmp://host/a", "rtmp://host:1936/b", false, true},
		{"rtmp://host/a", "rtmp://other/b", false, true},
		{"rtmp://host/a", "rtmpe://host/b", true, true},
		{"rtmp://host:443/a", "rtmps://host/b", true, true},
		{"rtmp://host/a", "rtmps://host/b", false, true},
		{"rtmpe://host/a", "rtmp://host/b", false, false},
		{"rtmpe://host:80/a", "rtmpte://host/b", true, true},
		{"rtmpte://host/a", "rtmpt://host/b", false, false},
		{"rtmps://host/a", "rtmpe://host:443/b", false, false},
		{"rtmps://host/a", "rtmpts://host/b", true, true},
		{"rtmpts://host/a", "rtmp://host:443/b", false, false},
	} {
		from, err := rtmpurl.Parse(test.from)
		require.NoError(t, err)
		to, err := rtmpurl.Parse(test.to)
		require.NoError(t, err)
		assert.Equal(t, test.may, from.CheckFollow(to, false) == nil, "%s to %s", test.from, test.to)
		assert.Equal(t, test.mayIfOthers, from.CheckFollow(to, true) == nil, "%s to %s", test.from, test.to)
	}
}

func TestRedacted(t *testing.T) {
	for url, want := range map[string]string{
		"rtmp://me:secret@host:1936/app/inst/secret?token=secret": "rtmp://host:1936/app/inst",
		"rtmp://host/app?token=secret":                            "rtmp://host/app",
		"rtmp://host/app#secret":                                  "rtmp://host/app",
		"rtmp://host/app#secret?a":                                "rtmp://host/app",
		"rtmp://host/live/secret":                                 "rtmp://host/live",
		"rtmps://[::1]:99/live/secret":                            "rtmps://[::1]:99/live",
		"rtmp://host/a\x1b[2Jb\n/secret":                          `"rtmp://host/a\x1b[2Jb\n"`,
	} {
		u, err := rtmpurl.Parse(url)
		require.NoError(t, err)
		assert.Equal(t, want, u.Redacted())
		assert.Equal(t, want, rtmpurl.Redact(url+" conn=S:secret"))
	}
	longest := "rtmp://host/" + strings.Repeat("a", 200-len("rtmp://host/"))
	assert.Equal(t, longest, rtmpurl.Redact(longest))
	assert.Equal(t, longest+"...", rtmpurl.Redact(longest+"a"))
	for _, url := range []string{"secret", "rtmp://me:secret@host:x/", "http://secret/"} {
		assert.NotContains(t, rtmpurl.Redact(url), "secret")
	}
}
