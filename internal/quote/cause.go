package quote

import (
	"strconv"
	"strings"
)

// maxCause is how long, in bytes, the text of a cause may be: longer ones have taken in what a peer sent.
const maxCause = 1000

// Cause returns the text of err, fit to be part of another's: net/http and others may take a peer's text in as it is.
func Cause(err error) string {
	text := err.Error()
	if len(text) > maxCause || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) }) {
		return Peer(text)
	}
	return text
}
