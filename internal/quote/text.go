package quote

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns s, which may contain text from a peer, in a form that is safe for terminals and has one line. It escapes what
// [strconv.QuoteToGraphic] escapes, except for quotes and backslashes. Text longer than about limit bytes is cut and ends in three dots.
func Text(s string, limit int) string {
	var b strings.Builder
	for len(s) > 0 {
		if b.Len() >= limit {
			b.WriteString("...")
			break
		}
		r, n := utf8.DecodeRuneInString(s)
		switch escaped := strconv.QuoteToGraphic(s[:n]); {
		case r == '"' || r == '\\':
			b.WriteByte(byte(r))
		default:
			b.WriteString(escaped[1 : len(escaped)-1])
		}
		s = s[n:]
	}
	return b.String()
}

// Attr returns s, which a peer sent, for an attribute of the log: as Text does, cut at 200 bytes. It escapes control characters since
// slog.JSONHandler leaves some of them, but does not quote, since handlers do.
func Attr(s string) string { return Text(s, maxPeer) }
