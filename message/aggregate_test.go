package message

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// sub is one message of an aggregate.
func sub(kind, timestamp byte, size byte, body string, previousTagSize bool) []byte {
	b := append([]byte{kind, 0, 0, size, 0, 0, timestamp, 0, 0, 0, 0}, body...)
	if previousTagSize {
		b = append(b, 9, 9, 9, 9) // a wrong previous tag size, which is ignored
	}
	return b
}

func TestAggregate(t *testing.T) {
	ok := append(sub(8, 100, 2, "ab", true), sub(9, 110, 3, "cde", false)...)
	for name, test := range map[string]struct {
		body []byte
		want []string
		err  string
	}{
		"two messages, the second without previous tag size": {ok, []string{"ab", "cde"}, ""},
		"empty":                          {nil, nil, ""},
		"an empty message":               {sub(8, 100, 0, "", false), []string{""}, ""},
		"ends inside a header":           {ok[:20], []string{"ab"}, "ends inside a header"},
		"longer than the remaining body": {ok[:29], []string{"ab"}, "longer than the remaining body"},
		"nested":                         {sub(22, 0, 1, "x", true), nil, "nested"},
	} {
		var bodies []string
		var failed error
		for m, err := range Aggregate(5000, test.body) {
			if failed = err; err != nil {
				break
			}
			bodies = append(bodies, string(m.Body))
			assert.EqualValues(t, map[Type]uint32{8: 5000, 9: 5010}[m.Type], m.Timestamp, name)
		}
		assert.Equal(t, test.want, bodies, name)
		if test.err == "" {
			assert.NoError(t, failed, name)
		} else {
			assert.ErrorContains(t, failed, test.err, name)
		}
	}
}
