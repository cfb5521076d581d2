package handshake

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestQuotePrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"\x7f":                     "",
		"HTTP/1.1 400 ~\r\n":       ` ("HTTP/1.1 400 ~")`,
		"ab\x1fcd":                 ` ("ab")`,
		strings.Repeat("x", 24):    ` ("` + strings.Repeat("x", 24) + `")`,
		strings.Repeat("x", 24+10): ` ("` + strings.Repeat("x", 24) + `")`,
	} {
		assert.Equal(t, want, quotePrintable([]byte(in)))
	}
}
