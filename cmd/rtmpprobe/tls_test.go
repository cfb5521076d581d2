package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/selfsigned"
)

func certificate(t *testing.T, ends time.Time) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: ends.Add(-time.Hour), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// TestTLSFindings checks that each problem with TLS has exactly one finding.
func TestTLSFindings(t *testing.T) {
	t.Parallel()
	secured := func(config *tls.Config) func(net.Conn) {
		return func(nc net.Conn) {
			io.Copy(io.Discard, tls.Server(nc, config))
			io.Copy(io.Discard, nc) // so that an alert arrives before the connection is closed
		}
	}
	says := func(text string) func(net.Conn) {
		return func(nc net.Conn) {
			nc.Read(make([]byte, 1500))
			io.WriteString(nc, text)
			io.Copy(io.Discard, nc)
		}
	}
	wantsOurs := selfsigned.Server()
	wantsOurs.ClientAuth = tls.RequireAnyClientCert
	for name, test := range map[string]struct {
		serve func(net.Conn)
		args  []string
		want  string
	}{
		"an expired certificate":      {secured(certificate(t, time.Now().Add(-time.Hour))), nil, "certificate-expired"},
		"a certificate without names": {secured(certificate(t, time.Now().Add(time.Hour))), nil, "certificate-name"},
		"SSH":                         {says("SSH-2.0-OpenSSH_9.2\r\n"), nil, "not-tls"},
		"an alert":                    {says("\x15\x03\x03\x00\x02\x02\x28"), nil, "tls-failed"}, // handshake_failure (RFC 8446 section 6)
		"a hang-up":                   {func(nc net.Conn) { nc.Read(make([]byte, 1500)) }, nil, "tls-failed"},
		"silence":                     {says(""), []string{"--timeout", "200ms"}, "tls-silent"},
		"a certificate of ours":       {secured(wantsOurs), []string{"--insecure"}, "tls-failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, got := probed(t, append(test.args, "rtmps://"+conntest.Serve(t, test.serve)+"/live/x")...)
			assert.Equal(t, []string{test.want}, r.ids(), got.stdout)
			assert.NotContains(t, r.Findings[0].Text, ": .")
		})
	}
}
