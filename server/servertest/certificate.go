package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"time"
)

// certificate is a certificate with its key, and what trusts it.
type certificate struct {
	key   tls.Certificate
	roots *x509.CertPool
}

// ownCertificate is signed by itself, for localhost, 127.0.0.1 and ::1.
var ownCertificate = sync.OnceValue(func() certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the random source never fails
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err) // likewise: the template is constant
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err) // likewise
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return certificate{key: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots: roots}
})

func serverTLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ownCertificate().key}}
}
