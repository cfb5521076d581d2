// Package secret finds and hides secrets in texts. Errors, logs, reports and captures use the same rules.
package secret

import (
	"encoding/hex"
	"strings"
)

// Mask replaces secrets in texts.
const Mask = "***"

// MinLength is the length in bytes of the shortest secret. Shorter texts would match everywhere.
const MinLength = 3

// Hide replaces the secrets in text by Mask, even if they overlap, or if bytes of the secret or the text are written as %XX. If anything
// was replaced, the result has no %XX.
func Hide(text string, secrets []string) string {
	plain := Unescape(text).Text
	var covered []bool // which bytes of plain are secret
	for _, secret := range secrets {
		if secret = Unescape(secret).Text; len(secret) < MinLength {
			continue
		}
		for at, rest := 0, plain; ; {
			before, after, found := strings.Cut(rest, secret)
			if !found {
				break
			}
			if covered == nil {
				covered = make([]bool, len(plain))
			}
			at += len(before)
			for i := range len(secret) {
				covered[at+i] = true
			}
			at, rest = at+len(secret), after
		}
	}
	if covered == nil {
		return text
	}
	var b strings.Builder
	for i, hidden := range covered {
		switch {
		case !hidden:
			b.WriteByte(plain[i])
		case i == 0 || !covered[i-1]:
			b.WriteString(Mask)
		}
	}
	return b.String()
}

// InName returns the secrets in the name of a stream or an application: the query and its values, and the whole name if it is a key.
func InName(name string, key bool) (secrets []string) {
	plain, query, _ := strings.Cut(name, "?")
	if key {
		secrets = append(secrets, name, plain)
	}
	secrets = append(secrets, query)
	for pair := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(pair, "=")
		secrets = append(secrets, value)
	}
	return secrets
}

// Unescaped is a text in which each %XX has been decoded. Any other % is unchanged.
type Unescaped struct {
	Text  string
	where []int // for each byte of Text, and for its end, the index in the original text; nil if all indices are the same
}

// At returns the index in the original text of the byte at index i of Text. i may be the length of Text.
func (u *Unescaped) At(i int) int {
	if u.where == nil {
		return i
	}
	return u.where[i]
}

// Unescape decodes each %XX in s.
func Unescape(s string) Unescaped {
	if !strings.Contains(s, "%") {
		return Unescaped{Text: s}
	}
	var b strings.Builder
	where := make([]int, 0, len(s)+1)
	for i := 0; i < len(s); i++ {
		where = append(where, i)
		if s[i] == '%' && i+2 < len(s) {
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return Unescaped{Text: b.String(), where: append(where, len(s))}
}
