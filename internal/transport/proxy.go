package transport

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// directly is the Config.Proxy that means none.
const directly = "direct"

// proxyPorts are the proxies there are, and their default ports.
var proxyPorts = map[string]string{
	"socks4": "1080", "socks4a": "1080", "socks5": "1080", "http": "80", "https": "443",
}

// proxyServer is a proxy, as its URL describes it.
type proxyServer struct {
	scheme string        // a key of proxyPorts
	addr   string        // host:port
	user   *url.Userinfo // nil: none
}

// parseProxy reads a proxy's URL. The error is a *ProxyError that holds no part of the URL but its scheme.
func parseProxy(raw string) (*proxyServer, error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil { // the error's text holds the URL, and with it the password
		return nil, &ProxyError{Detail: "not a URL: it should look like socks5://user:password@host:port"}
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme == "socks5h" { // others' name for letting the proxy resolve, which socks5 does here anyway
		scheme = "socks5"
	}
	port, known := proxyPorts[scheme]
	if !known {
		return nil, &ProxyError{Detail: "unknown scheme: it is socks4, socks4a, socks5, http or https"}
	}
	p := &proxyServer{scheme: scheme, user: u.User, addr: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))}
	if _, _, err := splitTarget(p.addr); err != nil {
		return nil, &ProxyError{Detail: "its host or port is missing or wrong"}
	}
	return p, p.checkUser()
}

// checkUser refuses credentials that the proxy's protocol can't carry.
func (p *proxyServer) checkUser() error {
	name, password := p.credentials()
	switch {
	case p.scheme == "socks5" && (len(name) > 255 || len(password) > 255 || name == "" && password != ""):
		return p.fail("the user name must have 1 to 255 bytes, the password at most 255", nil) // RFC 1929 section 2
	case strings.HasPrefix(p.scheme, "socks4") && (len(name) > 255 || strings.Contains(name, "\x00")):
		return p.fail("the user id must have at most 255 bytes, none of them zero", nil)
	case strings.HasPrefix(p.scheme, "http") && strings.Contains(name, ":"):
		return p.fail("the user name must have no colon", nil) // RFC 7617 section 2
	}
	return nil
}

// credentials are empty when there are none.
func (p *proxyServer) credentials() (name, password string) {
	password, _ = p.user.Password()
	return p.user.Username(), password
}

func (p *proxyServer) fail(detail string, err error) *ProxyError {
	return &ProxyError{Scheme: p.scheme, Addr: p.addr, Detail: detail, Err: err}
}

// proxyFor chooses the proxy for addr: nil means none. The scheme is http, https or rtmp.
func (d *Dialer) proxyFor(scheme, addr string) (*proxyServer, error) {
	if d.cfg.Proxy != "" {
		return d.explicit, nil
	}
	for _, name := range environment(scheme) {
		for _, name := range []string{name, strings.ToLower(name)} {
			raw := os.Getenv(name)
			if raw == "" {
				continue
			}
			if !proxied(addr) {
				return nil, nil
			}
			p, err := parseProxy(raw)
			if err != nil {
				err = &ProxyError{Detail: "environment variable " + name, Err: err}
			}
			return p, err
		}
	}
	return nil, nil
}

// environment lists the variables that may name a proxy.
func environment(scheme string) []string {
	switch {
	case scheme == "https":
		return []string{"HTTPS_PROXY", "ALL_PROXY"}
	case scheme == "http" && os.Getenv("REQUEST_METHOD") == "": // a CGI's HTTP_PROXY comes from its client's headers
		return []string{"HTTP_PROXY", "ALL_PROXY"}
	}
	return []string{"ALL_PROXY"}
}

// proxied reports whether NO_PROXY lets addr be reached through a proxy.
func proxied(addr string) bool {
	rules := httpproxy.Config{HTTPProxy: "http://proxy.invalid", NoProxy: httpproxy.FromEnvironment().NoProxy}
	p, err := rules.ProxyFunc()(&url.URL{Scheme: "http", Host: addr})
	return p != nil && err == nil
}

// dial connects to t through the proxy.
func (p *proxyServer) dial(ctx context.Context, d *Dialer, t target) (net.Conn, error) {
	if p.scheme == "socks5" {
		return p.dialSOCKS5(ctx, d, t)
	}
	nc, err := p.connect(ctx, d)
	if err != nil {
		return nil, err
	}
	through := nc
	ask := func() error { return p.askSOCKS4(ctx, d, nc, t) }
	if strings.HasPrefix(p.scheme, "http") {
		ask = func() (err error) { through, err = p.askHTTP(nc, t); return err }
	}
	if err := within(ctx, nc, ask); err != nil {
		nc.Close()
		return nil, p.wrap(err)
	}
	return through, nil
}

// connect makes the connection to the proxy itself.
func (p *proxyServer) connect(ctx context.Context, d *Dialer) (net.Conn, error) {
	nc, err := d.dialTCP(ctx, p.addr)
	if err != nil {
		return nil, p.fail("can't be reached", err)
	}
	if p.scheme != "https" {
		return nc, nil
	}
	cfg := d.cfg.TLSConfig.Clone() // nil stays nil
	if cfg != nil {
		cfg.ServerName = "" // the server's, not the proxy's
	}
	host, _, _ := net.SplitHostPort(p.addr)
	tc, err := startTLS(ctx, nc, host, cfg)
	if err != nil {
		return nil, p.fail("", err)
	}
	return tc, nil
}

// wrap makes err a *ProxyError, if it is none.
func (p *proxyServer) wrap(err error) error {
	if e, ok := err.(*ProxyError); ok {
		return e
	}
	return p.fail("", err)
}

// within runs f, which reads and writes nc, and ends it when ctx ends. Its error then is ctx's, and nc of no more use.
func within(ctx context.Context, nc net.Conn, f func() error) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		if nc.SetDeadline(past) != nil { // DialContext's connections may know no deadlines
			nc.Close()
		}
	})
	err := f()
	if !stop() {
		<-interrupted
		return ctx.Err()
	}
	return err
}
