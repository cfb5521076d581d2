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

// directly is the value of Config.Proxy that means no proxy.
const directly = "direct"

// proxyPorts lists the schemes of proxies and their default ports.
var proxyPorts = map[string]string{
	"socks4": "1080", "socks4a": "1080", "socks5": "1080", "http": "80", "https": "443",
}

// proxyServer is a proxy, parsed from its URL.
type proxyServer struct {
	scheme string        // a key of proxyPorts
	addr   string        // host:port
	user   *url.Userinfo // nil if there is none
}

// parseProxy parses a proxy's URL. The error is a *ProxyError that contains no part of the URL except its scheme.
func parseProxy(raw string) (*proxyServer, error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil { // omit err, which contains the URL and so the password
		return nil, &ProxyError{Detail: "not a URL: it should look like socks5://user:password@host:port, with %2F for a / in the password"}
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme == "socks5h" { // the proxy resolves names; here socks5 means the same
		scheme = "socks5"
	}
	port, known := proxyPorts[scheme]
	if !known {
		return nil, &ProxyError{Detail: "unknown scheme: use socks4, socks4a, socks5, http or https"}
	}
	p := &proxyServer{scheme: scheme, user: u.User, addr: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))}
	if _, _, err := splitTarget(p.addr); err != nil {
		return nil, &ProxyError{Detail: "host or port is missing or invalid"}
	}
	return p, p.checkUser()
}

// checkUser returns an error for credentials that the proxy's protocol can't express.
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

// credentials returns the user name and the password, or empty strings if there are none.
func (p *proxyServer) credentials() (name, password string) {
	password, _ = p.user.Password()
	return p.user.Username(), password
}

func (p *proxyServer) fail(detail string, err error) *ProxyError {
	return &ProxyError{Scheme: p.scheme, Addr: p.addr, Detail: detail, Err: err}
}

// proxyFor returns the proxy for addr, or nil if none should be used. The scheme is http, https or rtmp.
func (d *Dialer) proxyFor(scheme, addr string) (*proxyServer, error) {
	if d.cfg.Proxy != "" {
		return d.explicit, nil
	}
	for _, name := range environment(scheme) {
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
	return nil, nil
}

// environment lists the environment variables that may name a proxy.
func environment(scheme string) []string {
	switch {
	case scheme == "https":
		return []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}
	case scheme == "http" && os.Getenv("REQUEST_METHOD") == "": // in a CGI program, HTTP_PROXY comes from the client's headers
		return []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}
	}
	return []string{"ALL_PROXY", "all_proxy"}
}

// proxied reports whether NO_PROXY permits a proxy for addr.
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

// connect connects to the proxy itself.
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
		cfg.ServerName = "" // the configured name is the server's, not the proxy's
	}
	host, _, _ := net.SplitHostPort(p.addr)
	if nc, err = startTLS(ctx, nc, host, cfg); err != nil {
		return nil, p.fail("", err)
	}
	return nc, nil
}

// noConnection begins what a proxy says about the server, so that it is not taken for a failure to reach the proxy.
const noConnection = "does not connect to the server: "

// loginAdvice says what to do about a proxy that demands credentials.
func (p *proxyServer) loginAdvice() string {
	if name, _ := p.credentials(); name == "" {
		return "demands a user and a password: add user:password@ to its URL"
	}
	return "refuses the user or the password"
}

// wrap makes err a *ProxyError, unless it already is one.
func (p *proxyServer) wrap(err error) error {
	if e, ok := err.(*ProxyError); ok {
		return e
	}
	return p.fail("", err)
}

// within runs f, which reads and writes nc. If ctx is done before f returns, within makes f return, and returns ctx's error. nc can then no
// longer be used.
func within(ctx context.Context, nc net.Conn, f func() error) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		if nc.SetDeadline(past) != nil { // connections of DialContext may not support deadlines
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
