package conntest

import (
	"encoding/hex"
	"strings"
)

// Hex decodes hexadecimal digits, which may have spaces between them. It panics if s contains anything else.
func Hex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}
