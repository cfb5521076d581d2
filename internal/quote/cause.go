package quote

import (
	"strconv"
	"strings"
)

// maxCause is the longest text of a cause, in bytes. Only texts that contain something from a peer are longer.
const maxCause = 1000

// Cause returns the text of err in a form that is safe in the text of another error. The errors of net/http and others may contain a peer's
// text unchanged.
func Cause(err error) string {
	text := err.Error()
	if len(text) > maxCause || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) }) {
		return Peer(text)
	}
	return text
}
