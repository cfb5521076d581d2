package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-librtmp/rtmp/internal/admission"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// tunnelled is a connection through a tunnel.
type tunnelled interface {
	TLS() *tls.ConnectionState
	SetBusy(busy func() bool)
	Reset()
}

func (s *Server) tunnelHandler() http.Handler {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tunnel == nil {
		s.tunnel = transport.NewTunnelServer(nil)
		s.tunnel.Admit, s.tunnel.Left = s.admitTunnelled, s.wakeShutdown
		if s.closing {
			go s.tunnel.Close() // the tunnel has no connections, so there is nothing to wait for
		}
	}
	t := s.tunnel
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client := s.client(r); client != r.RemoteAddr {
			forwarded := *r
			forwarded.RemoteAddr = client
			r = &forwarded
		}
		t.ServeHTTP(w, r)
	})
}

// tunnelSessions returns the number of tunnels. It includes those whose connection has ended, until their clients have noticed.
func (s *Server) tunnelSessions() int {
	s.mu.Lock()
	t := s.tunnel
	s.mu.Unlock()
	if t == nil {
		return 0
	}
	return t.Sessions()
}

// admitTunnelled counts a tunnelled connection in the limits, and returns the function that serves it.
func (s *Server) admitTunnelled(remote net.Addr) (serve func(net.Conn), err error) {
	p, err := s.admit(remote, false)
	if err != nil {
		return nil, unavailable(err)
	}
	return func(nc net.Conn) {
		defer s.leave(p)
		if c := s.newConn(context.Background(), nc); c.setUp(context.Background(), nil, p) == nil {
			c.run()
		}
	}, nil
}

// client returns the address of a request's client. Each trusted proxy appends the address from which it has received the request to
// X-Forwarded-For. So client reads the header from its end, until it finds an address that is not one of TrustedProxies.
func (s *Server) client(r *http.Request) string {
	from := r.RemoteAddr
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0 && s.trusts(admission.AddrOf(tunnelAddr(from))); i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(chain[i]))
		if err != nil {
			break
		}
		from = netip.AddrPortFrom(addr, 0).String()
	}
	return from
}

// tunnelAddr is an address in the form of http.Request.RemoteAddr.
type tunnelAddr string

func (tunnelAddr) Network() string  { return "http" }
func (a tunnelAddr) String() string { return string(a) }
