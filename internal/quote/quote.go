// Package quote makes text from a peer safe for errors, logs and terminals.
package quote

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPeer is the maximum length of a peer's text, in bytes. It is enough for the statuses of real servers.
const maxPeer = 200

// Peer returns s, which a peer sent, cut at 200 bytes and quoted as by [strconv.QuoteToGraphic]: without line breaks, terminal escape
// sequences and invalid UTF-8. Three dots after the quote mean that it was cut. A plain word, such as a status code, is not quoted.
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

// isWord reports whether s consists of ASCII letters, digits, dots, dashes and underscores only.
func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) < 0
}
