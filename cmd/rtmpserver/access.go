package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
)

// guarded lets those in who may see the names of streams: with the password of one of users, or from this machine.
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
		http.Error(w, "Only from the machine of the server itself, unless it has --http-user.", http.StatusForbidden)
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="rtmpserver", charset="UTF-8"`)
		http.Error(w, "name and password, please", http.StatusUnauthorized)
	}
}

// knows reports whether a request has a name and its password. It takes the same time for every wrong one.
func (g guarded) knows(r *http.Request) bool {
	name, password, given := r.BasicAuth()
	expected, known := g.users[name]
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(expected))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && given && known
}

// local reports whether a request comes from this machine, and from no page of the web that has made its name this machine's address,
// nor through a proxy here. Proxies say so, or speak HTTP/1.0, as nginx does unless it is told otherwise.
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

// isLoopback reports whether an address, with or without port, is this machine's own.
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
