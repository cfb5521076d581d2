package findings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// expiryWarning is the time before a certificate's expiry in which the report mentions it.
const expiryWarning = 14 * 24 * time.Hour

var network = []rule{
	{"name-unknown", report.Error, func(r *report.Report) string {
		var dns *net.DNSError
		if !errors.As(r.Err, &dns) {
			return ""
		}
		return "The server's name could not be resolved."
	}, "Check the spelling of the host, and this machine's DNS."},
	{"port-closed", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageDial) || !errors.Is(r.Err, syscall.ECONNREFUSED) {
			return ""
		}
		return "No server listens on this port: the machine refused the TCP connection."
	}, "Check that the server is running, and its port: the default is 1935 for RTMP, 443 for rtmps and rtmpts, and 80 for rtmpt. A firewall may also refuse connections."},
	{"unreachable", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageDial) || errors.Is(r.Err, syscall.ECONNREFUSED) || errors.As(r.Err, new(*net.DNSError)) {
			return ""
		}
		if timedOut(r.Err) {
			return "The machine does not answer: the TCP connection timed out."
		}
		return "The machine can't be reached: " + r.Error
	}, "A firewall may drop the packets, or the address may be wrong. Try rtmpt (port 80) or rtmps (port 443)."},
	{"proxy", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageProxy) {
			return ""
		}
		return "The proxy did not connect to the server: " + r.Error
	}, "Check --proxy and ALL_PROXY; --proxy direct uses none."},
	{"certificate-self-signed", report.Error, func(r *report.Report) string {
		if r.TLS == nil || !r.TLS.SelfSigned || !untrusted(r) {
			return ""
		}
		return "The server's certificate is signed by itself: clients that verify certificates refuse it."
	}, "Install a certificate of a public authority, such as Let's Encrypt; or add this one to the clients' trusted certificates. " +
		"--insecure continues without verifying it."},
	{"certificate-untrusted", report.Error, func(r *report.Report) string {
		if r.TLS == nil || r.TLS.SelfSigned || !untrusted(r) {
			return ""
		}
		return "No authority that this machine trusts has signed the server's certificate."
	}, "The server may not send its intermediate certificates: install the whole chain."},
	{"certificate-expired", report.Error, func(r *report.Report) string {
		if !expired(r) {
			return ""
		}
		return "The server's certificate is not valid at this time: it expired, or this machine's clock is wrong."
	}, "Renew the certificate."},
	{"certificate-name", report.Error, func(r *report.Report) string {
		if !misnamed(r) || r.TLS == nil {
			return ""
		}
		if len(r.TLS.Names) == 0 {
			return "The server's certificate has no name that clients accept: its subjectAltName is empty."
		}
		return "The server's certificate is for another name: " + strings.Join(r.TLS.Names, ", ") + "."
	}, "Use a name from the certificate in the URL, or install a certificate for the URL's name."},
	{"certificate-invalid", report.Error, func(r *report.Report) string {
		if !unverified(r) || untrusted(r) || expired(r) || misnamed(r) {
			return ""
		}
		return "The server's certificate is not valid: " + r.Error
	}, "Install another certificate."},
	{"not-tls", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageTLS) || !errors.As(r.Err, new(tls.RecordHeaderError)) {
			return ""
		}
		return "The server does not speak TLS on this port."
	}, "Use rtmp:// instead of rtmps://, or the server's port for TLS."},
	{"tls-silent", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageTLS) || !timedOut(r.Err) {
			return ""
		}
		return "The server accepted the connection and then did not answer the TLS handshake."
	}, "It may not speak TLS on this port: use rtmp:// instead of rtmps://, or the server's port for TLS."},
	{"tls-failed", report.Error, func(r *report.Report) string {
		switch {
		case errors.As(r.Err, new(tls.RecordHeaderError)), unverified(r), untrusted(r), expired(r), misnamed(r), timedOut(r.Err):
			return ""
		case !failedIn(r, rtmp.StageTLS) && !refusedTLS(r.Err):
			return ""
		}
		return "The server refused TLS: " + r.Error
	}, "It may require another version of TLS, another name in the URL, or a client certificate, or it may not speak TLS on this port."},
	{"certificate-expires", report.Warning, func(r *report.Report) string {
		if r.TLS == nil || r.TLS.Error != "" || r.TLS.SelfSigned || r.TLS.Expires.IsZero() || time.Until(r.TLS.Expires) > expiryWarning {
			return ""
		}
		return "The server's certificate expires on " + r.TLS.Expires.Format("2006-01-02") + "."
	}, "Renew it before then."},
	{"tls-old", report.Warning, func(r *report.Report) string {
		if r.TLS == nil || r.TLS.Version != "TLS 1.0" && r.TLS.Version != "TLS 1.1" {
			return ""
		}
		return "The server speaks " + r.TLS.Version + " only, which many clients refuse."
	}, "Enable TLS 1.2 and 1.3 on the server."},
	{"tunnel", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageTunnel) {
			return ""
		}
		return "The server does not offer RTMPT on this port: " + r.Error
	}, "Use rtmp:// or rtmps://; few servers still offer tunnels."},
	{"unencrypted-key", report.Note, func(r *report.Report) string {
		if !r.Publish || r.TLS != nil || r.Server.Handshake == "" || strings.HasPrefix(r.URL, "rtmpe") || loopback(r) {
			return ""
		}
		return "The stream's key went over the network unencrypted."
	}, "Use rtmps:// if the server offers it."},
}

func failedIn(r *report.Report, stage string) bool {
	var failed *rtmp.HandshakeError
	return errors.As(r.Err, &failed) && failed.Stage == stage
}

func untrusted(r *report.Report) bool {
	return errors.As(r.Err, new(x509.UnknownAuthorityError))
}

func expired(r *report.Report) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(r.Err, &invalid) && invalid.Reason == x509.Expired
}

func misnamed(r *report.Report) bool { return errors.As(r.Err, new(x509.HostnameError)) }

func unverified(r *report.Report) bool {
	return errors.As(r.Err, new(*tls.CertificateVerificationError))
}

// refusedTLS reports whether the server has ended TLS with an alert. A server that requires a client certificate sends it after the
// handshake.
func refusedTLS(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" // as crypto/tls calls it
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// lost reports whether the server closed or reset the connection.
func lost(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

func loopback(r *report.Report) bool {
	for _, s := range r.Stages {
		host, _, err := net.SplitHostPort(s.Text)
		if s.Name == report.TCP && err == nil {
			ip := net.ParseIP(host)
			return ip != nil && ip.IsLoopback()
		}
	}
	return false
}

func milliseconds(d report.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(time.Duration(d))/float64(time.Millisecond))
}

func seconds(d report.Duration) string { return fmt.Sprintf("%.1f s", time.Duration(d).Seconds()) }
