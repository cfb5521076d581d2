package transport

import (
	"context"
	"net"
	"strings"

	"golang.org/x/net/proxy"
)

// dialSOCKS5 connects to t through a SOCKS5 proxy (RFC 1928). It uses x/net/proxy, which reads nothing beyond the reply.
func (p *proxyServer) dialSOCKS5(ctx context.Context, d *Dialer, t target) (net.Conn, error) {
	var auth *proxy.Auth
	if name, password := p.credentials(); name != "" {
		auth = &proxy.Auth{User: name, Password: password}
	}
	nc, err := p.connect(ctx, d)
	if err != nil {
		return nil, err
	}
	dialer, err := proxy.SOCKS5("tcp", p.addr, auth, ownConn{nc})
	if err == nil {
		err = within(ctx, nc, func() error {
			_, err := dialer.Dial("tcp", t.String())
			return err
		})
	}
	if err != nil {
		nc.Close()
		return nil, p.socks5Error(ctx, err)
	}
	return nc, nil // x/net's wrapper would hide that nc is a *net.TCPConn
}

// ownConn is a proxy.Dialer that returns an existing connection.
type ownConn struct{ nc net.Conn }

func (o ownConn) Dial(_, _ string) (net.Conn, error) { return o.nc, nil }

// socks5Error converts an error of x/net to a *ProxyError with the proxy's answer.
func (p *proxyServer) socks5Error(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return p.fail("", ctx.Err())
	}
	if op, ok := err.(*net.OpError); ok {
		err = op.Err
	}
	if said, ok := strings.CutPrefix(err.Error(), "unknown error "); ok {
		return p.fail(noConnection+said, nil)
	}
	if strings.Contains(err.Error(), "authentication") { // no method in common, or a wrong password
		return p.fail(p.loginAdvice(), err)
	}
	return p.fail("", noEOF(err))
}
