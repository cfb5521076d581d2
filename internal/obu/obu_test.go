package obu

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

var unhex = conntest.Hex

func TestEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"0a02aabb", "0a02aabb", true},
		{"0a02aabb", "08aabb", true},
		{"08aabb", "0a02aabb", true},
		{"0a02aabb", "08aabc", false},
		{"0a02aabb", "10aabb", false}, // another type
		{"0a03aabb", "08aabb", false}, // cut
		{"08aabb", "0a03aabb", false},
		{"0e4802aabb", "0c48aabb", true},
		{"0e4802aabb", "0c40aabb", false}, // another extension
		{"0a02aabb", "", false},
	} {
		assert.Equal(t, test.want, Equal(unhex(test.a), unhex(test.b)), "%s %s", test.a, test.b)
	}
}

// FuzzLayout checks that an OBU keeps its payload when its size is removed and added.
func FuzzLayout(f *testing.F) {
	for _, seed := range []string{"", "0a02aabb", "08aabb", "0e4802aabb", "0aff", "80", "32ffffffffffffff7f"} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		at, size, err := Layout(b)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		payload := b[at : at+size]
		for _, again := range [][]byte{Append(nil, b, payload), AppendBare(nil, b, payload)} {
			at, size, err := Layout(again)
			assert.Nil(t, err)
			assert.Equal(t, payload, again[at:at+size])
			assert.Equal(t, at+size, len(again))
			assert.Equal(t, Type(b), Type(again))
			assert.True(t, Equal(b, again))
		}
	})
}
