// Package transport makes the connections for RTMP: TCP or TLS, directly or through a SOCKS or HTTP proxy, or a tunnel of HTTP requests
// (RTMPT). Each connection is a net.Conn whose reads and writes can be resumed after a deadline: a timeout neither loses bytes nor sends
// them twice. The package also contains the server's half of the tunnel.
package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// past is a deadline that ends a blocked read or write at once.
var past = time.Unix(1, 0)

// Config says how to reach servers. The zero value uses the proxies of the environment.
type Config struct {
	// Proxy is the URL of a proxy: socks4, socks4a, socks5 (or socks5h), http or https, with user:password@ if needed. A URL without a
	// scheme means http. With socks4, names are resolved locally; the other proxies resolve names themselves. "direct" means no proxy. ""
	// means the proxy in ALL_PROXY, subject to NO_PROXY; for HTTP, including tunnels, HTTP_PROXY and HTTPS_PROXY take precedence over
	// ALL_PROXY. A proxy of the environment is never used for the loopback interface.
	Proxy string
	// DialContext makes all connections, including those to a proxy. Nil means net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSConfig is for TLS servers and https proxies. Nil means the defaults of crypto/tls. Its ServerName does not apply to proxies.
	TLSConfig *tls.Config
	// HTTPClient makes the requests of tunnels, without following redirects. The fields above do not apply to it. Nil means a client that uses
	// the fields above.
	HTTPClient *http.Client
	// Ident makes tunnels begin with a request to /fcs/ident2, as Flash does. librtmp and FFmpeg do not send this request.
	Ident bool
	// Refuse excludes servers whose address is as near as Refuse or nearer; 0 excludes none. The address is checked after the name has been
	// resolved. If the name is resolved elsewhere (by socks4a, socks5 and HTTP proxies, and by HTTPClient), Refuse excludes only hosts that
	// are written as addresses, and localhost.
	Refuse Nearness
}

// Dialer connects to servers. It is safe for concurrent use.
type Dialer struct {
	cfg      Config
	explicit *proxyServer // Config.Proxy; nil if that is empty or "direct"
	near     atomic.Int32 // the Nearness of the last server
	proxied  atomic.Bool  // the last server was reached through a proxy
}

// NewDialer returns a Dialer, or a *ProxyError if cfg.Proxy is invalid.
func NewDialer(cfg Config) (*Dialer, error) {
	d := &Dialer{cfg: cfg}
	if cfg.Proxy != "" && cfg.Proxy != directly {
		p, err := parseProxy(cfg.Proxy)
		if err != nil {
			return nil, err
		}
		d.explicit = p
	}
	return d, nil
}

// Dial connects to addr, "host:port", by TCP. The error is a *ProxyError or the error of DialContext. ctx does not affect the connection
// after Dial has returned.
func (d *Dialer) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return d.dialFor(ctx, "rtmp", addr)
}

// DialTLS connects to addr, "host:port", by TLS. The error may also be a *TLSError.
func (d *Dialer) DialTLS(ctx context.Context, addr string) (net.Conn, error) {
	return d.dialTLSFor(ctx, "rtmp", addr)
}

// Proxied reports whether the last Dial or DialTLS reached the server through a proxy.
func (d *Dialer) Proxied() bool { return d.proxied.Load() }

// dialFor connects to addr through the proxy for URLs of the scheme.
func (d *Dialer) dialFor(ctx context.Context, scheme, addr string) (net.Conn, error) {
	host, port, err := splitTarget(addr)
	if err != nil {
		return nil, err
	}
	if err := d.allow(host); err != nil {
		return nil, err
	}
	p, err := d.proxyFor(scheme, addr)
	if err != nil {
		return nil, err
	}
	d.proxied.Store(p != nil)
	if p == nil {
		return d.dialServer(ctx, addr)
	}
	d.near.Store(int32(hostNearness(host)))
	return p.dial(ctx, d, target{host: host, port: port})
}

// dialTLSFor is dialFor followed by TLS.
func (d *Dialer) dialTLSFor(ctx context.Context, scheme, addr string) (net.Conn, error) {
	nc, err := d.dialFor(ctx, scheme, addr)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr)
	return startTLS(ctx, nc, host, d.cfg.TLSConfig)
}

// dialServer connects without a proxy to an address that Config.Refuse allows. It refuses other addresses before it connects to them, if
// possible.
func (d *Dialer) dialServer(ctx context.Context, addr string) (net.Conn, error) {
	dial := d.cfg.DialContext
	if dial == nil {
		var nd net.Dialer
		if d.cfg.Refuse > 0 {
			nd.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
				host, _, _ := net.SplitHostPort(resolved)
				return d.allow(host)
			}
		}
		dial = nd.DialContext
	}
	nc, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := d.reached(nc.RemoteAddr()); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// dialTCP connects to a proxy.
func (d *Dialer) dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	if dial := d.cfg.DialContext; dial != nil {
		return dial(ctx, "tcp", addr)
	}
	var nd net.Dialer
	return nd.DialContext(ctx, "tcp", addr)
}

// target is the server to which a proxy should connect.
type target struct {
	host string // name or address, without brackets
	port uint16
}

func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// maxHost is the longest host name in bytes (RFC 1035 section 2.3.4 and the length byte of SOCKS5).
const maxHost = 255

// splitTarget splits "host:port" and refuses hosts that a proxy might interpret differently.
func splitTarget(addr string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, badTarget("port %q is not a number from 1 to 65535", text)
	}
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\?#@`, r) }
	if host == "" || len(host) > maxHost || strings.ContainsFunc(host, odd) {
		return "", 0, badTarget("%.40q is not a host", host)
	}
	return host, uint16(n), nil
}

func badTarget(format string, value string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf(format, value)}
}
