package quote_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/quote"
)

func TestText(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", `a "word" and a \ of C:\`, `a "word" and a \ of C:\`},
		{"a forged line", "x\r\nINFO: Download complete\n", `x\r\nINFO: Download complete\n`},
		{"an escape sequence", "\x1b[2J\u009b31m", `\x1b[2J\u009b31m`},
		{"another script", "Поток", "Поток"},
		{"the direction of text turned round", "a\u202eb", `a\u202eb`},
		{"invalid UTF-8", "a\xffb", `a\xffb`},
		{"cut", strings.Repeat("é", 20), strings.Repeat("é", 15) + "..."},
		{"just as long as allowed", strings.Repeat("a", 30), strings.Repeat("a", 30)},
	} {
		require.Equal(t, test.want, quote.Text(test.in, 30), test.name)
	}
}
