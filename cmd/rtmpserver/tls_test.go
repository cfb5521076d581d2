package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

// renew writes a new certificate and its key, and returns a configuration that trusts only that certificate.
func renew(t *testing.T, cert, key string) *tls.Config {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600))
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{RootCAs: roots}
}

// TestTLS checks RTMPS, HTTPS, RTMPTS and RTMPE. It also checks that a renewed certificate is used after SIGHUP. If the new certificate is
// invalid, the old one must stay in use.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	trust := renew(t, cert, key)
	c := start(t, "--tls-cert", cert, "--tls-key", key, "--tls-port", "0", "--https", "127.0.0.1:0", "--rtmpe")
	works := func(url string) error {
		conn, err := rtmp.Dial(conntest.Context(t), url, &rtmp.Options{TLSConfig: trust})
		if err == nil {
			conn.Close()
		}
		return err
	}
	urls := []string{"rtmps://" + c.rtmps + "/live/x", "rtmpts://" + c.https + "/live/x", "rtmpe://" + c.rtmp + "/live/x"}
	for _, url := range urls {
		assert.NoError(t, works(url), url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
	response, err := client.Get("https://" + c.https + "/healthz")
	require.NoError(t, err)
	b, _ := io.ReadAll(response.Body)
	response.Body.Close()
	assert.Equal(t, "ok\n", string(b))

	old := trust
	trust = renew(t, cert, key)
	assert.Error(t, works(urls[0]), "not read yet")
	c.signal(syscall.SIGHUP)
	c.await("keys reloaded")
	assert.NoError(t, works(urls[0]))
	assert.NoError(t, works(urls[1]))
	require.NoError(t, os.WriteFile(cert, []byte("broken"), 0o600))
	c.signal(syscall.SIGHUP)
	c.await("remains unchanged")
	assert.NoError(t, works(urls[0]))
	trust = old
	assert.Error(t, works(urls[0]))
}
