package quote_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/quote"
)

func TestPeer(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", `""`},
		{"a status code", "NetStream.Play.StreamNotFound", "NetStream.Play.StreamNotFound"},
		{"words", "No such stream", `"No such stream"`},
		{"a forged line", "x\r\nINFO: Download complete", `"x\r\nINFO: Download complete"`},
		{"an escape sequence", "\x1b]0;title\a", `"\x1b]0;title\a"`},
		{"quotes", `say "no"`, `"say \"no\""`},
		{"text in another script", "Поток не найден", `"Поток не найден"`},
		{"the direction of text turned round", "a\u202eb", `"a\u202eb"`},
		{"invalid UTF-8", "\xff\xfe", `"\xff\xfe"`},
		{"200 bytes", strings.Repeat("a", 200), strings.Repeat("a", 200)},
		{"201 bytes", strings.Repeat("a", 201), `"` + strings.Repeat("a", 200) + `"...`},
		{"cut inside a character", strings.Repeat("a", 199) + "é and more", `"` + strings.Repeat("a", 199) + `"...`},
		{"2 MB of continuation bytes", strings.Repeat("\x80", 2<<20), `"` + strings.Repeat(`\x80`, 196) + `"...`},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, quote.Peer(test.in)) })
	}
}
