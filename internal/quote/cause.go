package quote

import (
	"strconv"
	"strings"
)

// maxCause is the longest text of a cause, in bytes. Longer texts contain something that a peer sent.
const maxCause = 1000

// Cause returns the text of err in a form that fits into another error's: net/http and others may quote a peer's text unchanged.
func Cause(err error) string {
	text := err.Error()
	if len(text) > maxCause || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) }) {
		return Peer(text)
	}
	return text
}
