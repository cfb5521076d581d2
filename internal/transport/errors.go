package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// ProxyError reports why a proxy did not connect to the server. Its text contains no credentials.
type ProxyError struct {
	Scheme string // socks4, socks4a, socks5, http or https; empty if the proxy's URL is invalid
	Addr   string // the proxy's host:port
	Code   int    // the SOCKS4 reply code or HTTP status; 0 if there was none
	Detail string // what is wrong; empty if Err explains it
	Err    error  // the cause; nil if the answer is the cause
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

// TLSError reports why TLS with a server failed, and what may help. It wraps the error of crypto/tls, which may wrap an error of
// crypto/x509.
type TLSError struct {
	Host   string // the host whose certificate was expected
	Advice string // may be empty
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

// TunnelError reports which request of an RTMPT session failed. The session has then ended.
type TunnelError struct {
	Op     string // ident2, open, send, idle or close
	Status int    // the HTTP status if it is the reason, else 0
	Detail string // what is wrong; empty if the status or Err explains it
	Err    error  // the cause; nil if the answer is the cause
}

// Error returns the text "tunnel: request: detail: cause". It does not contain the session id, which is a secret.
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

// Unwrap returns the cause.
func (e *TunnelError) Unwrap() error { return e.Err }

// because returns the text of a cause, quoted and shortened: the errors of crypto/x509 and net/http contain names and lines that the server
// has sent.
func because(err error) string { return quote.Text(err.Error(), 400) }

// noEOF converts io.EOF inside an answer to io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Stage returns the name of the step in which an error of this package occurred: dial, proxy, tls or tunnel.
func Stage(err error) string {
	var (
		proxy  *ProxyError
		secure *TLSError
		tunnel *TunnelError
		dial   *net.OpError
	)
	switch {
	case errors.As(err, &proxy): // checked before tls, since TLS with a proxy is part of stage proxy
		return "proxy"
	case errors.As(err, &secure):
		return "tls"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "dial"
	case errors.As(err, &tunnel) && tunnel.Status == http.StatusProxyAuthRequired:
		return "proxy" // the HTTP answer came from the proxy
	case errors.As(err, &tunnel):
		return "tunnel"
	}
	return "dial"
}
