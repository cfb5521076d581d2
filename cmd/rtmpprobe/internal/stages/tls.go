package stages

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/internal/quote"
)

// maxNames bounds the names of a certificate that are kept.
const maxNames = 8

func (b *Builder) tlsDone(e *event.Event) {
	t := &report.TLS{}
	certificates := e.TLS.PeerCertificates
	trips := 1
	text := ""
	if e.Err == nil {
		t.Version = tls.VersionName(e.TLS.Version)
		if e.TLS.Version < tls.VersionTLS13 && !e.TLS.DidResume {
			trips = 2
		}
		text = t.Version
	} else {
		t.Error = b.because(e.Err)
		var unverified *tls.CertificateVerificationError
		if errors.As(e.Err, &unverified) {
			certificates = unverified.UnverifiedCertificates
		}
	}
	if len(certificates) > 0 {
		describe(t, certificates[0])
		if text != "" {
			text += ", "
		}
		text += "for "
		for i, name := range t.Names {
			if i > 0 {
				text += ", "
			}
			text += name
		}
		if len(t.Names) == 0 {
			text += "no name"
		}
		if t.SelfSigned {
			text += ", signed by itself"
		} else {
			text += ", by " + t.Issuer
		}
		text += ", until " + t.Expires.Format("2006-01-02")
	}
	b.report.TLS = t
	b.end(report.TLSHandshake, text, e.Err, trips)
}

func describe(t *report.TLS, c *x509.Certificate) {
	for _, name := range c.DNSNames {
		t.Names = append(t.Names, quote.Text(name, maxProperty))
	}
	for _, ip := range c.IPAddresses {
		t.Names = append(t.Names, ip.String())
	}
	t.Names = t.Names[:min(len(t.Names), maxNames)]
	t.Issuer = quote.Text(c.Issuer.CommonName, maxProperty)
	t.SelfSigned = string(c.RawIssuer) == string(c.RawSubject)
	t.Expires = c.NotAfter
}
