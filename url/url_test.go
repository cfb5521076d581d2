package url

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ in, host, app, playpath string }{
		{"h", "h", "", ""},
		{"h/", "h", "", ""},
		{"h/a", "h", "a", ""},
		{"h/a/", "h", "a", ""},
		{"h/a/p", "h", "a", "p"},
		{"h/a/b/p", "h", "a/b", "p"},
		{"h/a/b/", "h", "a/b", ""},
		{"h/a/b/c/p", "h", "a/b/c", "p"},
		{"h/a/b/c/d/p", "h", "a/b/c", "d/p"},
		{"h/a/b/c/d/e/p", "h", "a/b/c", "d/e/p"},
		{"h//p", "h", "", "p"},
		{"h/a//p", "h", "a/", "p"},
		{"h:1936/a/p.flv", "h", "a", "p"},
		{"h/a/p.mp4", "h", "a", "mp4:p"},
		{"h/a/p.f4v", "h", "a", "mp4:p"},
		{"h/a/mp4:p.mp4", "h", "a", "mp4:p.mp4"},
		{"h/a/flv:p.flv", "h", "a", "flv:p"},
		{"h/a/p.mp3", "h", "a", "mp3:p"},
		{"h/a/mp3:p.mp3", "h", "a", "mp3:p.mp3"},
		{"h/a/p.MP4", "h", "a", "p.MP4"},
		{"h/a/.mp4", "h", "a", "mp4:"},
		{"h/a/mp4", "h", "a", "mp4"},
		{"h/a/p.mp4?x=1", "h", "a", "mp4:p?x=1"},
		{"h/a/?x=1.mp4", "h", "a", "?x=1.mp4"},
		{"h/a/p.mp3?t=1", "h", "a", "mp3:p?t=1"},
		{"h/a/p.mp4?x=1.flv", "h", "a", "mp4:p?x=1.flv"},
		{"h/a/p?x=1", "h", "a", "p?x=1"},
		{"h/a/p?x=/1/2", "h", "a/p?x=/1", "2"},
		{"h/a/b?x=1/p", "h", "a/b?x=1", "p"},
		{"h/a?x=1&slist=foo.mp4&y=2", "h", "a?x=1&slist=foo.mp4&y=2", "mp4:foo"},
		{"h/a/b?x=1&slist=foo/bar.flv", "h", "a/b?x=1&slist=foo/bar.flv", "foo/bar.flv"},
		{"h/a/b/c?slist=mp4:foo", "h", "a/b/c?slist=mp4:foo", "mp4:foo"},
		{"h/ondemand/a/b/c.mp4", "h", "ondemand", "mp4:a/b/c"},
		{"h/ondemand?slist=abc", "h", "ondemand?slist=abc", "abc"},
		{"h/ondemand", "h", "ondemand", ""},
		{"h/ondemand/", "h", "ondemand", ""},
		{"h/a/p%20q", "h", "a", "p q"},
		{"h/a/p%2fq.mp4", "h", "a", "mp4:p/q"},
		{"h/a/p%", "h", "a", "p%"},
		{"h/a/p%4", "h", "a", "p%4"},
		{"h/a/p%zz", "h", "a", "p%zz"},
		{"[::1]/a/p", "::1", "a", "p"},
		{"[fe80::1%lo]:1936/a/p", "fe80::1%lo", "a", "p"},
		{"me:secret@h/a/p", "h", "a", "p"},
		{"@h/a/p", "h", "a", "p"},
		{"h/?slist=x", "h", "?slist=x", "x"},
		{"me@[::1]:5/a/p", "::1", "a", "p"},
	} {
		t.Run(test.in, func(t *testing.T) {
			u, err := Parse("rtmp://" + test.in)
			require.NoError(t, err)
			assert.Equal(t, []string{test.host, test.app, test.playpath}, []string{u.Host, u.App, u.Playpath})
		})
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"": "no scheme", "h/a/p": "no scheme", "rtmp:/h": "no scheme", "http://h/a/p": "unknown scheme",
		"rtmfp://h/a": "unknown scheme", "rtmp://": "no host", "rtmp:///a/p": "no host", "rtmp://:1935/a": "no host",
		"rtmp://h:99999/a/p": "port", "rtmp://h:-1/a/p": "port", "rtmp://h:19x/a/p": "port",
		"rtmp://h?x=1": "before the path", "rtmp://h?x=u@other/a": "before the path", "rtmp://h#f/a": "before the path",
		"rtmp://[::1/a/p": "no ]", "rtmp://[nonsense]/a/p": "not an IPv6 address", "rtmp://[::1]x/a": "unexpected text",
	} {
		u, err := Parse(in)
		var bad *Error
		require.ErrorAs(t, err, &bad, in)
		assert.ErrorContains(t, err, want, in)
		assert.Nil(t, u)
	}
}

// TestErrorsKeepSecrets checks that errors omit text in the place of a port or scheme, which may be part of a secret.
func TestErrorsKeepSecrets(t *testing.T) {
	for _, in := range []string{
		"rtmp://me:hunter2/x@h/a", "rtmp://h:hunter2/a", "rtmp://[::1]hunter2/a", "rtmp://[hunter2]/a", "rtmp://[hunter2",
		"rtmp:/h/a/p?key=hunter2&from=http://x", "rtmp://h?key=hunter2", "rtmp://me:hunter2@/a", "rtmp://me:hunter2@h:x/a",
	} {
		_, err := Parse(in)
		require.Error(t, err, in)
		assert.NotContains(t, err.Error(), "hunter", in)
	}
	_, _, err := SplitOptions(`rtmp://h/a/p token=hunter\zz`)
	assert.EqualError(t, err, `rtmp: url: a \ in an option's value needs two hex digits after it: "token"`)
}

func TestErrorsShowTheOffendingPart(t *testing.T) {
	forty := strings.Repeat("9", 40)
	for in, want := range map[string]string{"rtmp://h:" + forty + "/a": forty, "http://h/a": "http", "rtmp://h:99999/a": "99999", "rtmp://h:-1/a": "-1", "rtmp://[1::2::3]/a": "1::2::3"} {
		_, err := Parse(in)
		var bad *Error
		require.ErrorAs(t, err, &bad, in)
		assert.Equal(t, want, bad.Value)
		assert.ErrorContains(t, err, `: "`+want+`"`)
	}
	_, err := Parse("rtmp://h:" + forty + "9/a")
	assert.EqualError(t, err, "rtmp: url: port is not a number from 0 to 65535", "too long to be harmless")
	for _, in := range []string{"rtmp://me:sec/ret@h/a", "rtmp://me:12345678/9@h/a", "rtmp://me:sec/ret@h:1935/a/b?c=d@e"} {
		_, err = Parse(in)
		assert.EqualError(t, err, "rtmp: url: a / in a user or a password must be written %2F")
	}
}

func TestUserInfo(t *testing.T) {
	for in, want := range map[string][2]string{
		"h": {}, "me@h": {"me", ""}, "me:secret@h": {"me", "secret"}, "me:a:b@h:1": {"me", "a:b"}, ":secret@h": {"", "secret"},
		"m%40e:p%2Fw%3a%@h": {"m@e", "p/w:%"}, "me:p@w@h": {"me", "p@w"},
	} {
		u, err := Parse("rtmp://" + in + "/a/p")
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{u.User, u.Password}, in)
		assert.Equal(t, "h", u.Host, in)
		assert.NotContains(t, u.TCURL(""), "@", in)
		assert.NotContains(t, u.TCURL("app"), "@", in)
	}
}

func TestTCURL(t *testing.T) {
	for _, test := range []struct{ in, app, want string }{
		{"rtmp://h/a/p", "", "rtmp://h/a"},
		{"rtmp://h:1936/a/b/p?x=1", "", "rtmp://h:1936/a/b"},
		{"RTMP://h/a/p", "", "RTMP://h/a"},
		{"rtmp://me:secret@h:80/a/p", "", "rtmp://h:80/a"},
		{"rtmp://h", "", "rtmp://h"},
		{"rtmp://h//p", "", "rtmp://h//p"},
		{"rtmp://h/a#f/p", "", "rtmp://h/a"},
		{"rtmp://h/a?x=1#f", "", "rtmp://h/a?x=1"},
		{"rtmp://h//p#f", "", "rtmp://h//p"},
		{"rtmp://h/a/p", "other", "rtmp://h/other"},
		{"rtmp://h:81/a/p", "other", "rtmp://h:81/other"},
		{"rtmp://[::1]:81/a/p", "", "rtmp://[::1]:81/a"},
		{"rtmp://[::1]:81/a/p", "other", "rtmp://[::1]:81/other"},
	} {
		u, err := Parse(test.in)
		require.NoError(t, err)
		assert.Equal(t, test.want, u.TCURL(test.app), "%s app=%s", test.in, test.app)
	}
	assert.Equal(t, "rtmp://h:81/a/b", (&URL{Scheme: "rtmp", Host: "h", Port: 81, App: "a/b", Playpath: "p"}).TCURL(""))
}

func TestEffectivePort(t *testing.T) {
	for scheme, port := range map[string]uint16{"rtmp": 1935, "rtmpe": 1935, "rtmpt": 80, "rtmpte": 80, "rtmps": 443, "rtmpts": 443} {
		u, err := Parse(scheme + "://h/a/p")
		require.NoError(t, err)
		assert.Equal(t, port, u.EffectivePort(), scheme)
		u, err = Parse(scheme + "://h:7/a/p")
		require.NoError(t, err)
		assert.EqualValues(t, 7, u.EffectivePort(), scheme)
	}
}

func TestSplitOptions(t *testing.T) {
	raw, options, err := SplitOptions(`rtmp://h/a/p a=1  b=x\20y\5c ignored c=3`)
	require.NoError(t, err)
	assert.Equal(t, "rtmp://h/a/p", raw)
	assert.Equal(t, []Option{{"a", "1"}, {"b", `x y\`}}, options)
	for _, bad := range []string{`u a=\`, `u a=\2`, `u a=\zz`, `u  a=1`} {
		_, _, err := SplitOptions(bad)
		var e *Error
		require.ErrorAs(t, err, &e, bad)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"rtmp://h/a/p", "rtmp://u:p@[::1]:1/a/b/c/d.mp4?x=/y", "rtmp://h/a?slist=x.flv&y", "rtmp://h/ondemand/%41%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := Parse(raw)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			return
		}
		again, err := Parse(u.TCURL(""))
		require.NoError(t, err, "tcUrl is a URL")
		assert.Equal(t, [2]any{u.Host, u.EffectivePort()}, [2]any{again.Host, again.EffectivePort()})

		whole, err := Parse(u.prefix + u.App + u.rest)
		require.NoError(t, err)
		u.User, u.Password = "", ""
		assert.Equal(t, u, whole, "only user info is removed")
	})
}

func FuzzSplitOptions(f *testing.F) {
	f.Add(`rtmp://h/a/p a=1 b=\20`)
	f.Fuzz(func(t *testing.T, text string) {
		raw, options, err := SplitOptions(text)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			return
		}
		assert.NotContains(t, raw, " ")
		again := raw
		for _, o := range options {
			assert.NotContains(t, o.Name, " ")
			again += " " + o.Name + "="
			for _, c := range []byte(o.Value) {
				again += fmt.Sprintf(`\%02x`, c)
			}
		}
		raw2, options2, err := SplitOptions(again)
		require.NoError(t, err)
		assert.Equal(t, raw, raw2)
		assert.Equal(t, options, options2)
	})
}
