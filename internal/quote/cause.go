package quote

import (
	"strconv"
	"strings"
)

// maxCause is the longest text of a cause, in bytes. Only text from peers makes a cause longer.
const maxCause = 1000

// Cause returns the text of err, which may contain a peer's text, in a form that is safe in the text of another error.
func Cause(err error) string {
	text := err.Error()
	if len(text) > maxCause || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) }) {
		return Peer(text)
	}
	return text
}
