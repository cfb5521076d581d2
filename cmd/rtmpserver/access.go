package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
)

// guarded admits only clients that may see the names of streams: those on this machine, and those with a user's password.
type guarded struct {
	users accounts
	next  http.Handler
}

// ServeHTTP implements http.Handler.
func (g guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case local(r) || g.knows(r):
		g.next.ServeHTTP(w, r)
	case len(g.users) == 0:
		http.Error(w, "Only allowed from the server's own machine, unless --http-user is set.", http.StatusForbidden)
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="rtmpserver", charset="UTF-8"`)
		http.Error(w, "name and password required", http.StatusUnauthorized)
	}
}

// knows reports whether a request has a user's name and password. It takes the same time whichever part is wrong.
func (g guarded) knows(r *http.Request) bool {
	name, password, given := r.BasicAuth()
	expected, known := g.users[name]
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(expected))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && given && known
}

// local reports whether a request comes from this machine, and neither through a proxy nor from a web page whose host
// name was made to resolve to this machine. Proxies add headers, or use HTTP/1.0 as nginx does by default.
func local(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	return isLoopback(r.RemoteAddr) && isLoopback(r.Host)
}

// isLoopback reports whether an address, with or without a port, is a loopback address.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(trimBrackets(host))
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func trimBrackets(host string) string {
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}
