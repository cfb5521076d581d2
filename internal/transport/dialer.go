// Package transport makes the connection that RTMP runs on: TCP or TLS, directly or through a SOCKS or HTTP proxy, or a
// tunnel of HTTP requests (RTMPT). Whatever it is, it is a net.Conn, and one whose reads and writes can be resumed after a
// deadline: nothing is lost or sent twice by a timeout. The server's half of the tunnel is here too.
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

// past is a deadline that makes a blocked read or write return at once.
var past = time.Unix(1, 0)

// Config says how servers are reached. The zero value dials as the environment says.
type Config struct {
	// Proxy is a URL: socks4, socks4a, socks5 (or socks5h), http or https, with user:password@ where needed; no scheme
	// means http. socks4 resolves names here, the others leave that to the proxy. "direct": none. "": what ALL_PROXY and
	// NO_PROXY say, and for HTTP, tunnels included, HTTP_PROXY and HTTPS_PROXY before ALL_PROXY; the loopback interface
	// is never reached through a proxy that the environment names.
	Proxy string
	// DialContext makes the connections, also those to a proxy; nil: as net.Dialer does.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSConfig is for TLS servers and https proxies; nil: crypto/tls's defaults. Its ServerName does not apply to proxies.
	TLSConfig *tls.Config
	// HTTPClient is for tunnels and used as it is: the fields above do not apply to it. nil: one made from them.
	HTTPClient *http.Client
	// Ident makes tunnels begin with /fcs/ident2, as Flash does, and unlike librtmp and FFmpeg.
	Ident bool
	// Refuse is the nearest kind of address that servers must not have, and all nearer ones; 0: none. The address is looked
	// at after a name was resolved. Where others resolve it, socks4a, socks5 and HTTP proxies and HTTPClient, only a host
	// that is an address itself, or localhost, can be refused.
	Refuse Nearness
}

// Dialer connects to servers. It may be used by many goroutines.
type Dialer struct {
	cfg      Config
	explicit *proxyServer // nil: none, or that of the environment
	near     atomic.Int32 // the Nearness of the server reached
}

// NewDialer checks cfg. The error is a *ProxyError.
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

// Dial connects to addr, "host:port", by TCP. The error is a *ProxyError, or that of DialContext. A ctx that ends
// afterwards does not matter to the connection.
func (d *Dialer) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return d.dialFor(ctx, "rtmp", addr)
}

// DialTLS connects to addr, "host:port", by TLS. Besides Dial's errors there is *TLSError.
func (d *Dialer) DialTLS(ctx context.Context, addr string) (net.Conn, error) {
	nc, err := d.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr)
	tc, err := startTLS(ctx, nc, host, d.cfg.TLSConfig)
	if err != nil {
		return nil, err // not tc, which is a nil of another type
	}
	return tc, nil
}

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
	if p == nil {
		return d.dialServer(ctx, addr)
	}
	d.near.Store(int32(hostNearness(host)))
	return p.dial(ctx, d, target{host: host, port: port})
}

// dialServer connects without a proxy, to an address that Config.Refuse allows. Where that can be helped, not even a
// connection is made to others.
func (d *Dialer) dialServer(ctx context.Context, addr string) (net.Conn, error) {
	dial := d.cfg.DialContext
	if dial == nil {
		nd := net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			host, _, _ := net.SplitHostPort(resolved)
			return d.allow(host)
		}}
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

// target is the server that a proxy is asked for.
type target struct {
	host string // name or address, without brackets
	port uint16
}

func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// maxHost is the longest host name in bytes (RFC 1035 section 2.3.4 and the length byte of SOCKS5).
const maxHost = 255

// splitTarget takes "host:port" apart and refuses hosts that could say something else to a proxy.
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
