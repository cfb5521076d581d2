package transport

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// ProxyError says why a proxy did not connect us. Its text never holds credentials.
type ProxyError struct {
	Scheme string // socks4, socks4a, socks5, http or https; "" when the proxy's URL could not be read
	Addr   string // the proxy's, host:port
	Code   int    // what it answered: a SOCKS4 reply code or an HTTP status; 0: no such answer
	Detail string // what was wrong, if Err does not say it all
	Err    error  // the cause; nil if the answer is it
}

// Error returns the text "proxy: scheme address: detail: cause".
func (e *ProxyError) Error() string {
	s := "proxy: "
	if e.Scheme != "" {
		s += e.Scheme + " " + e.Addr + ": "
	}
	s += e.Detail
	if e.Err != nil && e.Detail != "" {
		s += ": "
	}
	if e.Err != nil {
		s += because(e.Err)
	}
	if e.Code != 0 {
		s += fmt.Sprintf(" (code %d)", e.Code)
	}
	return s
}

// Unwrap returns the cause.
func (e *ProxyError) Unwrap() error { return e.Err }

// TLSError says why a server could not be spoken to by TLS, and what may help. It wraps the error of crypto/tls, and so
// those of crypto/x509.
type TLSError struct {
	Host   string // whose certificate was expected
	Advice string // "" where the cause says it all
	Err    error
}

// Error returns the text "tls: host: cause: advice".
func (e *TLSError) Error() string {
	s := "tls: " + e.Host + ": " + because(e.Err)
	if e.Advice != "" {
		s += ": " + e.Advice
	}
	return s
}

// Unwrap returns the cause.
func (e *TLSError) Unwrap() error { return e.Err }

// TunnelError says which request of an RTMPT session failed. The session is lost then.
type TunnelError struct {
	Op     string // ident2, open, send, idle or close
	Status int    // the HTTP status, if that is what is wrong; else 0
	Detail string // what was wrong, if the status or Err does not say it all
	Err    error  // the cause; nil if the answer is it
}

// Error returns the text "tunnel: request: detail: cause". It never holds the session's id, which is a secret.
func (e *TunnelError) Error() string {
	s := "tunnel: " + e.Op
	if e.Status != 0 {
		s += fmt.Sprintf(": HTTP status %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + because(e.Err)
	}
	return s
}

// because is the text of a cause, which crypto/x509 and net/http make of names and lines that the server has sent.
func because(err error) string { return quote.Text(err.Error(), 400) }

// Unwrap returns the cause.
func (e *TunnelError) Unwrap() error { return e.Err }

// Stage names the step that an error of this package belongs to: dial, proxy, tls or tunnel.
func Stage(err error) string {
	var (
		proxy  *ProxyError
		secure *TLSError
		tunnel *TunnelError
		dial   *net.OpError
	)
	switch {
	case errors.As(err, &proxy): // before tls, which may be the proxy's
		return "proxy"
	case errors.As(err, &secure):
		return "tls"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "dial"
	case errors.As(err, &tunnel) && tunnel.Status == http.StatusProxyAuthRequired:
		return "proxy" // who has answered in the server's place
	case errors.As(err, &tunnel):
		return "tunnel"
	}
	return "dial"
}
