package rtmp

import (
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
)

// maskedSecret replaces secrets in texts.
const maskedSecret = "***"

// minSecret is the length of the shortest text that is treated as a secret, in bytes: shorter ones would match everywhere.
const minSecret = 3

// secrets returns the texts that only the server may learn from connecting with s.
func (s settings) secrets() []string {
	_, password := s.credentials()
	secrets := []string{password, s.opts.Auth, s.opts.Token, s.opts.UsherToken}
	for _, named := range []string{s.app(), s.tcURL(), s.opts.Subscribe} {
		secrets = append(secrets, secretsOf(named, false)...)
	}
	secrets = append(secrets, secretsOf(s.playpath(), s.opts.publishes())...)
	secrets = appendTexts(secrets, s.opts.ConnectData)
	return appendTexts(secrets, s.opts.ConnectFields)
}

// hide replaces the secrets in text, even if they overlap, or if some bytes are written as %XX in either. If anything was replaced, the
// result has no %XX.
func hide(text string, secrets []string) string {
	plain := unescaped(text)
	var covered []bool // bytes of plain
	for _, secret := range secrets {
		if secret = unescaped(secret); len(secret) < minSecret {
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
			b.WriteString(maskedSecret)
		}
	}
	return b.String()
}

var escapedByte = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescaped decodes %XX and leaves any other % as it is.
func unescaped(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return escapedByte.ReplaceAllStringFunc(s, func(escaped string) string {
		b, _ := hex.DecodeString(escaped[1:])
		return string(b)
	})
}

// appendTexts appends the strings in a value of connect, which are often tickets.
func appendTexts(texts []string, value any) []string {
	var members []amf.Property
	switch v := value.(type) {
	case string:
		return append(texts, v)
	case []any:
		for _, element := range v {
			texts = appendTexts(texts, element)
		}
	case amf.Object:
		members = v
	case amf.ECMAArray:
		members = v
	}
	for _, member := range members {
		texts = appendTexts(texts, member.Value)
	}
	return texts
}

// secretsOf returns the secrets in a name: the query and its values, and the whole name if it is a key.
func secretsOf(name string, key bool) (secrets []string) {
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
