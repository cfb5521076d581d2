package main

import (
	"crypto/tls"
	"sync/atomic"
)

// certificate is the certificate of all TLS listeners, which can be reloaded. It is nil if there is none.
type certificate struct {
	cert, key string // file names
	pair      atomic.Pointer[tls.Certificate]
}

func newCertificate(cert, key string) (*certificate, error) {
	if cert == "" {
		return nil, nil
	}
	c := &certificate{cert: cert, key: key}
	return c, c.reload()
}

// reload reads the files again. If they can't be read, or the key does not match the certificate, the old certificate stays in use.
func (c *certificate) reload() error {
	if c == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.pair.Store(&pair)
	return nil
}

// config returns a TLS configuration with the certificate.
func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }}
}
