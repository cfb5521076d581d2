package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/go-librtmp/rtmp/internal/admission"
)

// browserConns is the minimum of the limits on HTTP connections. A browser opens up to six connections to a server.
const browserConns = 8

// limitHTTP makes srv close connections beyond the limits as soon as it has accepted them. When package server takes over a connection, it
// counts the connection as a viewer instead.
func (s *settings) limitHTTP(srv *http.Server, logger *slog.Logger) {
	l := &httpLimits{trusted: s.trustedProxies, logger: logger, taken: make(map[net.Conn]*admission.Slot)}
	if s.maxConns > 0 {
		l.limiter.Max = max(s.maxConns, browserConns)
	}
	if s.maxConnsPerIP > 0 {
		l.limiter.PerAddr = max(s.maxConnsPerIP, browserConns)
	}
	srv.ConnState = l.connState
}

// httpLimits counts all connections of an HTTP server, including those without a request.
type httpLimits struct {
	limiter admission.Limiter
	trusted prefixes // proxies, whose connections do not count for their address
	logger  *slog.Logger
	refused admission.Refusals

	mu    sync.Mutex // guards taken
	taken map[net.Conn]*admission.Slot
}

// connState is for http.Server.ConnState, which is called before a connection is served.
func (l *httpLimits) connState(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		addr := admission.AddrOf(nc.RemoteAddr())
		if l.trusted.contain(addr) {
			addr = netip.Addr{}
		}
		slot, err := l.limiter.Acquire(addr)
		if err != nil {
			nc.Close()
			if n := l.refused.Add(); n > 0 {
				l.logger.Warn("HTTP connection refused", "error", err, "remote", nc.RemoteAddr(), "refused", n)
			}
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.taken[nc] = slot
	case http.StateHijacked, http.StateClosed:
		l.mu.Lock()
		defer l.mu.Unlock()
		if slot := l.taken[nc]; slot != nil {
			slot.Release()
			delete(l.taken, nc)
		}
	}
}
