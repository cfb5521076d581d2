package capturefile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPlaceholdersBesideEachOther(t *testing.T) {
	for _, test := range []struct {
		name  string
		spans []span
		want  string
	}{
		{"after the other", []span{{0, 4}, {4, 8}}, "00010002"},
		{"before the other", []span{{4, 8}, {0, 4}}, "00020001"},
		{"over its end", []span{{2, 6}, {4, 8}}, "ab0001xx"},
		{"over its beginning", []span{{2, 6}, {0, 4}}, "xx0001gh"},
		{"around it", []span{{2, 6}, {0, 8}}, "xx0001xx"},
		{"inside of it", []span{{0, 8}, {2, 6}}, "secret1x"},
		{"over what was not left of another", []span{{2, 4}, {0, 6}, {0, 8}}, "xx01xxxx"},
		{"nothing", []span{{2, 2}}, "abcdefgh"},
	} {
		s := subject{b: []byte("abcdefgh")}
		for i, at := range test.spans {
			s.hide(at, i+1)
		}
		assert.Equal(t, test.want, string(s.b), test.name)
	}
}

func TestLearn(t *testing.T) {
	var s secrets
	assert.Equal(t, []int{1, 2, 3, 1, 0, 4}, []int{s.learn("abc"), s.learn("abcdef"), s.learn("ab"), s.learn("a%62c"), s.learn(""), s.learn("abcd")})
	assert.Equal(t, []string{"abcdef", "abcd", "abc"}, s.list, "the longest first, and none that would be found everywhere")

	s = secrets{}
	half := strings.Repeat("x", maxSecrets/2-secretSize)
	assert.Equal(t, []int{1, 2}, []int{s.learn(half), s.learn("y" + half[1:])})
	assert.False(t, s.full)
	assert.Zero(t, s.learn("z"))
	assert.True(t, s.full)
	assert.Equal(t, 1, s.learn(half), "known")

	s = secrets{}
	assert.Equal(t, []int{1, 0}, []int{s.learn(half), s.learn(half + "y")})
	assert.True(t, s.full)
}

func TestReplaceURLs(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"no URL", "no URL"},
		{"rtmp://host/live", "rtmp://host/live"},
		{"rtmp://user@host/live", "rtmp://0001@host/live"},
		{"rtmp://user:password@host/live", "rtmp://0001:secret2x@host/live"},
		{"rtmp://user:pass@word@host/live", "rtmp://0001:secret2xx@host/live"},
		{"rtmp://:password@host", "rtmp://:secret1x@host"},
		{"rtmp://@host", "rtmp://@host"},
		{"rtmp://host/a@b", "rtmp://host/a@b"},
		{"a://b:c@d e://f:g@h", "a://1:2@d e://3:4@h"},
		{"see rtmp://host/live?key=value&k=v;token for more", "see rtmp://host/live?key=00001&k=2;00003 for more"},
		{"?token", "?00001"},
		{"a?b c?d", "a?1 c?2"},
		{"a?", "a?"},
		{"a?k=&", "a?k=&"},
		{"a?k=v& ?x", "a?k=1& ?2"},
		{" ", " "},
		{" a?b c", " a?1 c"},
		{"authmod=adobe ?&salt=abc&user=me", "authmod=adobe ?&salt=abc&user=01"},
	} {
		s, text := new(secrets), subject{b: []byte(test.text)}
		s.replaceURLs(&text)
		assert.Equal(t, test.want, string(text.b))
	}
}

func TestLabelsAreBounded(t *testing.T) {
	r, counts := newRedactor(nil), make(map[string]int)
	for i := range maxLabels + 5 {
		r.count(counts, fmt.Sprint(i))
		r.count(counts, "0")
	}
	assert.Len(t, counts, maxLabels+1)
	assert.Equal(t, maxLabels+6, counts["0"])
	assert.Equal(t, 5, counts["others"])

	forty := strings.Repeat("x", 40)
	assert.Equal(t, forty, quoted(forty))
	assert.Equal(t, forty+"...", quoted(forty+"y"))
}
