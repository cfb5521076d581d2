package main

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/go-librtmp/rtmp/internal/admission"
)

// browserConns is the minimum number of HTTP connections that are allowed. A browser opens six to one server.
const browserConns = 8

// httpPlaces returns the places for HTTP connections. Package server counts HTTP viewers and RTMPT sessions; these places count all HTTP
// connections, including those without a request.
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
	trusted prefixes // proxies, whose connections are not counted as those of one client
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

// CloseWrite sends a FIN, which lets a client have all of an answer.
func (c *limitedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
