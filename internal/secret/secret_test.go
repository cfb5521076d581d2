package secret

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHide(t *testing.T) {
	secrets := []string{"key-abc/THE", "abc/THEREST", "a%2fb", "no"}
	for _, test := range []struct{ text, want string }{
		{"key-abc/THEREST is taken", "*** is taken"}, // the two overlap
		{"key%2Dabc%2fTHE is taken", "*** is taken"},
		{"a/b and A%2FB and a%2Fb", "*** and A/B and ***"},
		{"100% of no, %zz, %2", "100% of no, %zz, %2"}, // too short to be looked for
	} {
		assert.Equal(t, test.want, Hide(test.text, secrets))
	}
}

func TestInName(t *testing.T) {
	assert.Equal(t, []string{"k?a=b&c", "k", "a=b&c", "b", ""}, InName("k?a=b&c", true))
	assert.Equal(t, []string{"a=b&c", "b", ""}, InName("k?a=b&c", false))
}

func TestUnescape(t *testing.T) {
	u := Unescape("a%2Fb%zz%2")
	assert.Equal(t, "a/b%zz%2", u.Text)
	for i, at := range []int{0, 1, 4, 5, 6, 7, 8, 9, 10} {
		assert.Equal(t, at, u.At(i))
	}
	plain := Unescape("ab")
	assert.Equal(t, 2, plain.At(2))
}
