package quote

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns s, a text of ours that may hold pieces of a peer's, on one line and safe for terminals: what
// [strconv.QuoteToGraphic] would escape is escaped, quotes and backslashes excepted, without quotes around it. It is cut after
// about limit bytes, which three dots say.
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
