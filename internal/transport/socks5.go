package transport

import (
	"context"
	"errors"
	"net"
	"strings"

	"golang.org/x/net/proxy"
)

// dialSOCKS5 leaves RFC 1928 to x/net/proxy, which reads no byte too many, and which ctx interrupts.
func (p *proxyServer) dialSOCKS5(ctx context.Context, d *Dialer, t target) (net.Conn, error) {
	var auth *proxy.Auth
	if name, password := p.credentials(); name != "" {
		auth = &proxy.Auth{User: name, Password: password}
	}
	own := &ownConn{p: p, d: d}
	dialer, err := proxy.SOCKS5("tcp", p.addr, auth, own)
	if err != nil {
		return nil, p.fail("", err)
	}
	if _, err := dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", t.String()); err != nil {
		if own.nc != nil {
			own.nc.Close()
		}
		return nil, p.socks5Error(ctx, err)
	}
	return own.nc, nil // not x/net's wrapping of it, which hides that it is a *net.TCPConn
}

// ownConn is a proxy.Dialer that keeps the connection it makes.
type ownConn struct {
	p  *proxyServer
	d  *Dialer
	nc net.Conn
}

func (o *ownConn) Dial(network, addr string) (net.Conn, error) {
	return o.DialContext(context.Background(), network, addr)
}

func (o *ownConn) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	nc, err := o.p.connect(ctx, o.d)
	o.nc = nc
	return nc, err
}

// socks5Error leaves of x/net's error what the proxy said.
func (p *proxyServer) socks5Error(ctx context.Context, err error) error {
	var ours *ProxyError
	if errors.As(err, &ours) {
		return ours
	}
	if ctx.Err() != nil {
		return p.fail("", ctx.Err())
	}
	if op, ok := err.(*net.OpError); ok {
		err = op.Err
	}
	if said, ok := strings.CutPrefix(err.Error(), "unknown error "); ok {
		return p.fail(said, nil)
	}
	return p.fail("", noEOF(err))
}
