package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/go-librtmp/rtmp/internal/selfsigned"
)

// transportsTrial compares the transports over which our server sends a stream.
func transportsTrial() *trial {
	t := &trial{title: "Transports", file: "serve-transports", columns: fanOutColumns, rounds: 2, against: []string{"ours"},
		about: fmt.Sprintf("%d players of 2 Mbit/s for %v, which do not decrypt what they receive.", *players, *length)}
	for _, way := range []struct{ name, scheme string }{{"", ""}, {"HTTP-FLV", "http"}, {"fragmented MP4", "fmp4"}, {"TLS", "rtmps"}, {"RTMPE", "rtmpe"}} {
		t.contestants = append(t.contestants, &contestant{name: ours(way.name).name, run: func(ctx context.Context, dir string) ([]float64, error) {
			return overTransport(ctx, dir, way.scheme)
		}})
	}
	return t
}

func overTransport(ctx context.Context, dir, scheme string) ([]float64, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	f := fanOut{profile: "2mbit", players: *players}
	switch scheme {
	case "":
		f.server = ours("")
	case "http":
		f.server = ours("", "--http", addr)
		f.viewer = func(*process) string { return "http://" + addr + "/live/x.flv" }
	case "fmp4":
		f.server = ours("", "--http", addr)
		f.viewer = func(*process) string { return "http://" + addr + "/fmp4/live/x.mp4" }
	case "rtmps":
		if err := certificate(dir); err != nil {
			return nil, err
		}
		_, port, _ := net.SplitHostPort(addr)
		f.server = ours("", "--tls-cert", "{dir}/cert.pem", "--tls-key", "{dir}/key.pem", "--tls-port", port)
		f.viewer = func(*process) string { return "rtmps://" + addr + "/live/x" }
	case "rtmpe":
		f.server = ours("", "--rtmpe")
		f.viewer = func(p *process) string { return "rtmpe://" + p.addr + "/live/x" }
	}
	return f.once(ctx, dir)
}

// certificate writes a self-signed certificate to cert.pem and its key to key.pem.
func certificate(dir string) error {
	c := selfsigned.Server().Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return err
	}
	write := func(name, kind string, der []byte) error {
		return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	return errors.Join(write("cert.pem", "CERTIFICATE", c.Certificate[0]), write("key.pem", "PRIVATE KEY", key))
}
