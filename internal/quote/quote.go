// Package quote makes what a peer sent fit for errors, logs and terminals.
package quote

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPeer is how much of a peer's text is shown, in bytes: enough for every status that servers really send.
const maxPeer = 200

// Peer returns s, which a peer sent, cut at 200 bytes and quoted as [strconv.QuoteToGraphic] does: no line break, no escape
// sequence of a terminal and no invalid UTF-8 is left in it. Three dots after the quote say that it was cut. A plain word, such as a status code, needs no
// quotes and gets none.
func Peer(s string) string {
	if len(s) <= maxPeer && isWord(s) {
		return s
	}
	if len(s) <= maxPeer {
		return strconv.QuoteToGraphic(s)
	}
	end := maxPeer
	for end > maxPeer-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strconv.QuoteToGraphic(s[:end]) + "..."
}

// isWord reports whether s is made of ASCII letters, digits, dots, dashes and underscores only.
func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) < 0
}
