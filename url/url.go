// Package url parses RTMP URLs by librtmp's rules, so that a URL has the same meaning as in rtmpdump. Import it as rtmpurl.
package url

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// URL is an RTMP URL. A query remains part of App or Playpath.
type URL struct {
	Scheme   string // rtmp, rtmpt, rtmpe, rtmpte, rtmps or rtmpts, in lower case
	Host     string // name or address; an IPv6 address has no brackets
	Port     uint16 // 0 if the URL has none; see EffectivePort
	App      string // up to three path components
	Playpath string // the stream's name, with the prefix mp4: or mp3: where librtmp adds it
	User     string // from user:password@, %XX decoded; never part of TCURL
	Password string

	prefix string // the URL up to its path, without user info, in its original letter case
	rest   string // the path after App
}

// Error reports a URL that can't be used. It never contains the URL itself, which may hold secrets.
type Error struct {
	Detail string
	Value  string // the offending part; empty if it might be part of a secret
}

// Error returns the text "rtmp: url: detail: value".
func (e *Error) Error() string {
	if e.Value == "" {
		return "rtmp: url: " + e.Detail
	}
	return fmt.Sprintf("rtmp: url: %s: %q", e.Detail, e.Value)
}

// Parse parses rawURL. The error is an *Error if the scheme is missing or unknown, the host is missing, the port is not a
// number up to 65535, or a query comes before the path. librtmp is more lenient.
func Parse(rawURL string) (*URL, error) {
	scheme, rest, found := strings.Cut(rawURL, "://")
	if !found {
		return nil, &Error{Detail: "no scheme: it must begin with rtmp://"}
	}
	u := &URL{Scheme: strings.ToLower(scheme)}
	if _, known := schemes[u.Scheme]; !known {
		return nil, &Error{Detail: "unknown scheme", Value: printable(scheme, letters)}
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	if strings.ContainsAny(authority, "?#") {
		// RFC 3986 ends the host here, librtmp does not: one URL would name two hosts.
		return nil, &Error{Detail: "? or # before the path: put a / after the host, write %3F or %23 in user info"}
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, password, _ := strings.Cut(authority[:at], ":")
		u.User, u.Password = unescape(user), unescape(password)
		authority = authority[at+1:]
	}
	if err := u.parseHost(authority); err != nil {
		if bad, ok := err.(*Error); ok && bad.Detail == badPort && strings.Contains(path, "@") {
			bad.Detail, bad.Value = "a / in a user or a password must be written %2F", ""
		}
		return nil, err
	}
	u.prefix = scheme + "://" + authority
	if hasPath {
		u.prefix += "/"
		u.parsePath(path)
	}
	return u, nil
}

func (u *URL) parseHost(authority string) error {
	host, port := authority, ""
	if bracketed, ok := strings.CutPrefix(authority, "["); ok {
		if host, port, ok = strings.Cut(bracketed, "]"); !ok {
			return &Error{Detail: "no ] after the IPv6 address"}
		}
		if ip := net.ParseIP(strings.SplitN(host, "%", 2)[0]); ip == nil {
			return &Error{Detail: "not an IPv6 address", Value: printable(host, digits+"abcdefABCDEF:.")}
		}
		if port != "" && port[0] != ':' {
			return &Error{Detail: "unexpected text after the IPv6 address"}
		}
		port = strings.TrimPrefix(port, ":")
	} else if i := strings.IndexByte(authority, ':'); i >= 0 {
		host, port = authority[:i], authority[i+1:]
	}
	if host == "" {
		return &Error{Detail: "no host"}
	}
	u.Host = host
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return &Error{Detail: badPort, Value: printable(port, digits+"-+")}
		}
		u.Port = uint16(n)
	}
	return nil
}

const (
	badPort = "port is not a number from 0 to 65535"

	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// printable returns s if it is short and has only the given characters, and otherwise "": what looks like an invalid port may
// be part of a password that contains a slash.
func printable(s, characters string) string {
	if len(s) > 40 || strings.Trim(s, characters) != "" {
		return ""
	}
	return s
}

// parsePath splits path as librtmp does: app has up to three components but never the last one, unless the URL contains slist=
// or ondemand/.
func (u *URL) parsePath(path string) {
	question := strings.IndexByte(path, '?')
	switch {
	case question >= 0 && strings.Contains(path, "slist="):
		u.App = path
		u.Playpath = playpath(path[question:])
		return
	case strings.HasPrefix(path, "ondemand/"):
		u.App = "ondemand"
	default:
		end, from := len(path), 0
		for range 3 {
			slash := strings.IndexByte(path[from:], '/')
			if slash < 0 {
				break
			}
			end = from + slash
			from = end + 1
		}
		u.App = path[:end]
	}
	if len(u.App) < len(path) {
		u.rest = path[len(u.App):]
		u.Playpath = playpath(u.rest[1:])
	}
}

// playpath converts the text after the app to the name that servers expect.
func playpath(text string) string {
	listed := false
	if strings.HasPrefix(text, "?") {
		if _, value, found := strings.Cut(text, "slist="); found {
			text, _, _ = strings.Cut(value, "&")
			listed = true
		}
	}
	name, query := text, ""
	if i := strings.IndexByte(text, '?'); i >= 0 {
		name, query = text[:i], text[i:]
	}
	base, extension := name, ""
	if len(name) >= 4 {
		base, extension = name[:len(name)-4], name[len(name)-4:]
	}
	switch extension {
	case ".mp4", ".f4v":
		name = withPrefix("mp4:", name, base)
	case ".mp3":
		name = withPrefix("mp3:", name, base)
	case ".flv":
		if !listed {
			name = base
		}
	}
	return unescape(name + query)
}

func withPrefix(kind, name, base string) string {
	if strings.HasPrefix(name, kind) {
		return name
	}
	return kind + base
}

// unescape decodes %XX, and keeps a % without two hex digits.
func unescape(s string) string {
	text, _ := decodeEscapes(s, '%')
	return text
}

// decodeEscapes replaces each mark and the two hex digits after it by a byte. It keeps a mark without two hex digits; valid is then false.
func decodeEscapes(s string, mark byte) (text string, valid bool) {
	valid = true
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == mark {
			if v, err := strconv.ParseUint(s[i+1:min(i+3, len(s))], 16, 8); err == nil && i+2 < len(s) {
				c = byte(v)
				i += 2
			} else {
				valid = false
			}
		}
		b.WriteByte(c)
	}
	return b.String(), valid
}

// TCURL returns the tcUrl that connect sends. This is the URL as it was written, but without user info, and without everything after the app.
// If the URL has no app, only the user info and the fragment are left out (RTMP Errata and Addenda of 2024). If app is not empty, it
// replaces the app of the URL. In that case librtmp adds ":0" to a URL without a port; TCURL does not. If Parse has not made u, TCURL is made
// from the fields.
func (u *URL) TCURL(app string) string {
	if app == "" && u.prefix != "" {
		path := u.App
		if path == "" {
			path = u.rest
		}
		path, _, _ = strings.Cut(path, "#")
		return u.prefix + path
	}
	return u.Scheme + "://" + u.Authority() + "/" + cmp.Or(app, u.App)
}

// Authority returns the host, in brackets if it is an IPv6 address, and the port if the URL has one.
func (u *URL) Authority() string {
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port != 0 {
		host += ":" + strconv.Itoa(int(u.Port))
	}
	return host
}

// Redact is [URL.Redacted] for an unparsed URL, which librtmp's options may follow.
func Redact(rawURL string) string {
	rawURL, _, _ = strings.Cut(rawURL, " ")
	u, err := Parse(rawURL)
	if err != nil {
		return "(not an RTMP URL)"
	}
	return u.Redacted()
}

// Redacted returns the URL for logs and terminals: scheme, host, port and app, without user info, stream name, queries and fragment,
// which are often secrets. It is cut at 200 bytes, and quoted if it contains unusual characters.
func (u *URL) Redacted() string {
	app := u.App
	if end := strings.IndexAny(app, "?#"); end >= 0 {
		app = app[:end]
	}
	text, more := u.Scheme+"://"+u.Authority()+"/"+app, ""
	if len(text) > 200 {
		text, more = text[:200], "..."
	}
	quoted := strconv.QuoteToGraphic(text)
	if strings.Contains(text, " ") || quoted != `"`+text+`"` {
		text = quoted
	}
	return text + more
}
