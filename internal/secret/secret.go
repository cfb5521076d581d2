// Package secret finds and hides secrets in texts. What is looked for, and how it may be written, is the same for errors, logs, reports
// and captures.
package secret

import (
	"encoding/hex"
	"strings"
)

// Mask replaces secrets in texts.
const Mask = "***"

// MinLength is the length of the shortest text that is looked for as a secret, in bytes: shorter ones would match everywhere.
const MinLength = 3

// Hide replaces the secrets in text by Mask, even if they overlap, or if some bytes are written as %XX in either. If anything was
// replaced, the result has no %XX.
func Hide(text string, secrets []string) string {
	plain := Unescape(text).Text
	var covered []bool // bytes of plain
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

// Unescaped is a text whose %XX were decoded. Any other % is as it was.
type Unescaped struct {
	Text  string
	where []int // where each byte of Text, and its end, was before; nil: where it is now
}

// At returns where the byte at index i of Text was before. i may be the length of Text.
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
