package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
)

// guarded is a handler for pages that show the names of streams. It serves only clients on this machine, and clients that send a user's
// name and password.
type guarded struct {
	users accounts
	next  http.Handler
}

// ServeHTTP implements http.Handler.
func (g guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case local(r) || g.authenticated(r):
		g.next.ServeHTTP(w, r)
	case len(g.users) == 0:
		http.Error(w, "Only allowed from the server's own machine, unless --http-user is set.", http.StatusForbidden)
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="rtmpserver", charset="UTF-8"`)
		http.Error(w, "name and password required", http.StatusUnauthorized)
	}
}

// authenticated reports whether a request has a user's name and password. It takes the same time whether the name or the password is wrong.
func (g guarded) authenticated(r *http.Request) bool {
	name, password, given := r.BasicAuth()
	expected, known := g.users[name]
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(expected))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && given && known
}

// local reports whether a request comes from a program on this machine. A request through a proxy does not count: proxies add headers or,
// like nginx by default, use HTTP/1.0. Neither does a request from a web page whose host name was made to resolve to this machine, which
// the Host header shows.
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
