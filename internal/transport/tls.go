package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptrace"
	"strings"
)

// startTLS begins TLS on nc as a client. It verifies the certificate, unless cfg disables that. It sends host as the server name, unless
// host is an address or cfg has a ServerName. It calls the functions of the httptrace.ClientTrace in ctx. If it fails, it closes nc and
// returns a *TLSError.
func startTLS(ctx context.Context, nc net.Conn, host string, cfg *tls.Config) (net.Conn, error) {
	if cfg = cfg.Clone(); cfg == nil {
		cfg = &tls.Config{}
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = strings.Cut(host, "%") // an IPv6 zone has a meaning only on this machine
	}
	cfg.NextProtos = nil                     // RTMPS uses no ALPN, and a tunnel is HTTP/1
	cfg.Renegotiation = tls.RenegotiateNever // a Write that waits for a handshake would hold its messages back; see tlsConn
	box := &outbox{Conn: nc}
	tc := tls.Client(box, cfg)
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := tc.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(tc.ConnectionState(), err)
	}
	if err != nil {
		nc.Close()
		return nil, &TLSError{Host: cfg.ServerName, Advice: tlsAdvice(err), Err: noEOF(err)}
	}
	return &tlsConn{Conn: tc, box: box}, nil
}

// tlsAdvice returns a text about what the user can do about err.
func tlsAdvice(err error) string {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server needs a new certificate, or this machine's clock is wrong"
	case errors.As(err, &authority):
		return "no authority that this machine trusts has signed the certificate: add it, or the certificate itself, " +
			"to TLSConfig.RootCAs, or to the file that the environment variable SSL_CERT_FILE names"
	case errors.As(err, &name):
		return "use a name that the certificate is for in the URL, or as TLSConfig.ServerName"
	case errors.As(err, &record):
		return "the server does not speak TLS on this port"
	}
	return ""
}
