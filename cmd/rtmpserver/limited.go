package main

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/go-librtmp/rtmp/internal/admission"
)

// browserConns is the smallest limit on HTTP connections. A browser opens up to six connections to a server.
const browserConns = 8

// httpPlaces returns the limits on HTTP connections. They apply to all HTTP connections, including those that send no request. Package
// server has its own limits, on HTTP viewers and RTMPT sessions.
func (s *settings) httpPlaces() *admission.Places {
	p := new(admission.Places)
	if s.maxConns > 0 {
		p.Max = max(s.maxConns, browserConns)
	}
	if s.maxConnsPerIP > 0 {
		p.PerAddr = max(s.maxConnsPerIP, browserConns)
	}
	return p
}

// limited is a listener that closes connections beyond the limits as soon as it has accepted them.
type limited struct {
	net.Listener
	places  *admission.Places
	trusted prefixes // proxies, whose connections do not count for their own address
	logger  *slog.Logger
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := admission.AddrOf(nc.RemoteAddr())
		if l.trusted.contain(addr) {
			addr = netip.Addr{}
		}
		place, err := l.places.Take(addr)
		if err == nil {
			return &limitedConn{nc, sync.OnceFunc(place.Leave)}, nil
		}
		l.logger.Warn("HTTP connection refused", "error", err, "remote", nc.RemoteAddr())
		nc.Close()
	}
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite sends a FIN, so that the client receives the whole response.
func (c *limitedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
