package capturefile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp/internal/secret"
)

const (
	// minName is the length in bytes of the shortest secret that is replaced in the names of properties. In other strings it is
	// secret.MinLength.
	minName = 8
	// maxSecrets is the maximum memory of all secrets in bytes. A secret takes secretSize in addition to its text.
	maxSecrets = 64 << 10
	secretSize = 64
)

// secrets assigns a placeholder to each secret, and finds known secrets in strings.
type secrets struct {
	numbers map[string]int // number in the placeholder of each secret, from 1
	list    []string       // the known secrets, longest first
	size    int
	full    bool // the limit was exceeded, so a secret is unknown and can't be found in other strings
}

// learn adds a secret, which may contain %XX, and returns its number, or 0 if maxSecrets is exceeded.
func (s *secrets) learn(text string) int {
	plain := secret.Unescape(text).Text
	if n, ok := s.numbers[plain]; ok || plain == "" {
		return n
	}
	if s.size+len(plain)+secretSize > maxSecrets {
		s.full = true
		return 0
	}
	s.size += len(plain) + secretSize
	if s.numbers == nil {
		s.numbers = make(map[string]int)
	}
	s.numbers[plain] = len(s.numbers) + 1
	if len(plain) >= secret.MinLength {
		i, _ := slices.BinarySearchFunc(s.list, plain, func(a, b string) int { return len(b) - len(a) })
		s.list = slices.Insert(s.list, i, plain)
	}
	return s.numbers[plain]
}

type subject struct {
	b       []byte
	covered []bool // bytes that have been replaced; nil if there are none
}

// put replaces a part by the placeholder with a number: "secret7xxxx", or "0007" if the part is shorter.
func (t *subject) put(at span, number int) {
	b := t.b[at.from:at.to]
	if len(b) == 0 {
		return
	}
	p := fmt.Appendf(nil, "secret%d", number)
	if len(p) > len(b) {
		p = fmt.Appendf(nil, "%0*d", len(b), number)
		p = p[len(p)-len(b):]
	}
	t.cross(at)
	copy(b, p)
}

// cross replaces the bytes of a part that have not been replaced yet by "x".
func (t *subject) cross(at span) {
	if t.covered == nil {
		t.covered = make([]bool, len(t.b))
	}
	for i := at.from; i < at.to; i++ {
		if !t.covered[i] {
			t.b[i], t.covered[i] = 'x', true
		}
	}
}

// hide is like put, but does not change placeholders that the part overlaps.
func (t *subject) hide(at span, number int) {
	if t.covered != nil && slices.Contains(t.covered[at.from:at.to], true) {
		t.cross(at)
	} else {
		t.put(at, number)
	}
}

func (s *secrets) replace(t *subject, at span) { t.put(at, s.learn(string(t.b[at.from:at.to]))) }

// replaceName replaces the values in the query of a stream's name, and with key the name before the query too.
func (s *secrets) replaceName(t *subject, key bool) {
	name, _, found := bytes.Cut(t.b, []byte("?"))
	if key {
		s.replace(t, span{0, len(name)})
	}
	if found {
		s.replaceQuery(t, span{len(name) + 1, len(t.b)}, nil)
	}
}

// authFields are the parameters of Adobe's and Limelight's authentication that reveal nothing without the response.
var authFields = map[string]bool{"authmod": true, "reason": true, "salt": true, "challenge": true, "opaque": true, "nonce": true, "cnonce": true, "nc": true}

// replaceQuery replaces the values in a query, and parameters without a value, except those named in keep.
func (s *secrets) replaceQuery(t *subject, at span, keep map[string]bool) {
	for at.from < at.to {
		end := at.to
		if i := bytes.IndexAny(t.b[at.from:at.to], "&;"); i >= 0 {
			end = at.from + i
		}
		name, value, found := strings.Cut(string(t.b[at.from:end]), "=")
		switch {
		case !found:
			s.replace(t, span{at.from, end})
		case !keep[name]:
			s.replace(t, span{end - len(value), end})
		}
		at.from = end + 1
	}
}

// replaceURLs replaces users, passwords and queries in URLs, and anything between a question mark and a space.
func (s *secrets) replaceURLs(t *subject) {
	var stay map[string]bool
	if bytes.Contains(t.b, []byte("authmod=")) {
		stay = authFields
	}
	for from := 0; from < len(t.b); {
		to := len(t.b)
		if i := bytes.IndexByte(t.b[from:], ' '); i >= 0 {
			to = from + i
		}
		before, _, found := strings.Cut(string(t.b[from:to]), "?")
		if found {
			s.replaceQuery(t, span{from + len(before) + 1, to}, stay)
		}
		if scheme, rest, found := strings.Cut(before, "://"); found {
			host, _, _ := strings.Cut(rest, "/")
			if end := strings.LastIndexByte(host, '@'); end >= 0 {
				begin := from + len(scheme) + len("://")
				user, _, _ := strings.Cut(host[:end], ":")
				s.replace(t, span{begin, begin + len(user)})
				s.replace(t, span{min(begin+len(user)+1, begin+end), begin + end})
			}
		}
		from = to + 1
	}
}

// replaceKnown replaces every known secret in t by its placeholder, even where some of its bytes are written as %XX. It skips secrets
// shorter than minLength bytes.
func (s *secrets) replaceKnown(t *subject, minLength int) {
	plain := secret.Unescape(string(t.b))
	first, _ := slices.BinarySearchFunc(s.list, len(plain.Text), func(s string, size int) int { return size - len(s) })
	for _, known := range s.list[first:] { // secrets that are longer than the string are skipped
		if len(known) < minLength {
			break
		}
		for at, end := 0, 0; ; at++ {
			found := strings.Index(plain.Text[at:], known)
			if found < 0 {
				break
			}
			at += found
			if at < end { // it overlaps itself: only the rest is new, since otherwise "aaa" would take n*n steps
				t.cross(span{plain.At(end), plain.At(at + len(known))})
			} else {
				t.hide(span{plain.At(at), plain.At(at + len(known))}, s.numbers[known])
			}
			end = at + len(known)
		}
	}
}
