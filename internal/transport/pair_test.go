package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds the waits of tests. A wait takes that long only if a test fails.
const patience = 20 * time.Second

// serveTunnel starts a server that calls serve for its sessions. Requests pass through the handlers that wrap returns.
func serveTunnel(t testing.TB, serve func(net.Conn), wrap ...func(http.Handler) http.Handler) (addr string) {
	tunnels := NewTunnelServer(serve)
	handler := http.Handler(tunnels)
	for _, w := range wrap {
		handler = w(handler)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(func() {
		tunnels.Close()
		s.Close()
	})
	return strings.TrimPrefix(s.URL, "http://")
}

// tryTunnel dials a tunnel, and closes it when the test ends.
func tryTunnel(t testing.TB, cfg Config, addr string) (net.Conn, error) {
	d, err := NewDialer(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	nc, err := d.DialTunnel(ctx, addr, false)
	if err == nil {
		t.Cleanup(func() { nc.Close() })
		nc.SetDeadline(time.Now().Add(patience))
	}
	return nc, err
}

func dialTunnel(t testing.TB, cfg Config, addr string) net.Conn {
	nc, err := tryTunnel(t, cfg, addr)
	require.NoError(t, err)
	return nc
}

func echo(nc net.Conn) { io.Copy(nc, nc) }

// noise returns n bytes that depend on seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// writeResuming writes b in pieces of random size, with deadlines that interrupt the writes again and again.
func writeResuming(nc net.Conn, b []byte, r *rand.Rand) (timeouts int, err error) {
	defer nc.SetWriteDeadline(time.Time{})
	for rest := b; ; {
		nc.SetWriteDeadline(time.Now().Add(time.Duration(r.IntN(2000)) * time.Microsecond))
		n, err := nc.Write(rest[:min(len(rest), r.IntN(300<<10))])
		rest = rest[n:]
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			timeouts++
		case err != nil:
			return timeouts, err
		case len(rest) == 0:
			nc.SetWriteDeadline(time.Time{})
			_, err := nc.Write(nil) // with TLS, bytes may still be waiting
			return timeouts, err
		}
	}
}

// readResuming reads n bytes, with deadlines that interrupt the reads again and again.
func readResuming(nc net.Conn, n int, r *rand.Rand) (b []byte, timeouts int, err error) {
	defer nc.SetReadDeadline(time.Time{})
	piece := make([]byte, 100<<10)
	for len(b) < n {
		nc.SetReadDeadline(time.Now().Add(time.Duration(r.IntN(2000)) * time.Microsecond))
		m, err := nc.Read(piece[:min(n-len(b), 1+r.IntN(len(piece)))])
		b = append(b, piece[:m]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			timeouts++
		} else if err != nil {
			return b, timeouts, err
		}
	}
	return b, timeouts, nil
}

// fullDuplex makes both ends send and receive at the same time, and fails the test if bytes are lost, repeated or reordered.
func fullDuplex(t *testing.T, client, server net.Conn, size int) {
	type result struct {
		name     string
		got      []byte
		timeouts int
		err      error
	}
	results := make(chan result)
	for i, end := range []struct {
		name string
		nc   net.Conn
	}{{"client", client}, {"server", server}} {
		seed := uint64(i)
		go func() {
			n, err := writeResuming(end.nc, noise(seed, size), rand.New(rand.NewPCG(seed, 1)))
			results <- result{end.name + " writing", nil, n, err}
		}()
		go func() {
			b, n, err := readResuming(end.nc, size, rand.New(rand.NewPCG(seed, 2)))
			results <- result{end.name + " reading", b, n, err}
		}()
	}
	timeouts := 0
	for range 4 {
		r := <-results
		require.NoError(t, r.err, r.name)
		timeouts += r.timeouts
		switch r.name {
		case "client reading":
			assert.True(t, bytes.Equal(noise(1, size), r.got), r.name)
		case "server reading":
			assert.True(t, bytes.Equal(noise(0, size), r.got), r.name)
		}
	}
	assert.NotZero(t, timeouts)
}

// handOver returns a function that serves sessions by passing them to the test, and keeps them open until the test ends.
func handOver(t *testing.T) (serve func(net.Conn), accepted chan net.Conn) {
	accepted = make(chan net.Conn)
	return func(nc net.Conn) {
		select {
		case accepted <- nc:
			<-t.Context().Done() // this is done before the cleanup functions run
		case <-t.Context().Done():
		}
	}, accepted
}
