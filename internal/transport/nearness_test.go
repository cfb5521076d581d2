package transport

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestNearness(t *testing.T) {
	for host, want := range map[string]Nearness{
		"127.0.0.1": Loopback, "127.9.9.9": Loopback, "::1": Loopback, "0.0.0.0": Loopback, "0.1.2.3": Loopback, "::": Loopback,
		"::ffff:127.0.0.1": Loopback, "64:ff9b::7f00:1": Loopback, "2002:7f00:1::1": Loopback, "::%lo": Loopback, "::1%lo": Loopback, "64:ff9b::7f00:1%1": Loopback, "localhost": Loopback, "LOCALHOST.": Loopback, "a.localhost": Loopback,
		"169.254.169.254": LinkLocal, "fe80::1": LinkLocal, "fe80::1%eth0": LinkLocal, "::ffff:169.254.1.1": LinkLocal,
		"2002:a9fe:a9fe::1": LinkLocal,
		"10.0.0.1":          Private, "172.16.0.1": Private, "192.168.1.1": Private, "100.64.0.1": Private, "fd00::1": Private,
		"fd00::1%eth0": Private, "fec0::1": Private, "feff::1%eth0": Private, "64:ff9b:1::cb00:7105": Private, "2002:a00:1::1": Private,
		"2002:cb00:7105::1": Public, "64:ff9b:2::1": Public, "64:ff9b::cb00:7105": Public,
		"203.0.113.5": Public, "100.128.0.1": Public, "2001:db8::1": Public, "example.com": Public, "": Public,
	} {
		assert.Equal(t, want, hostNearness(host), host)
	}
}

// TestRefusedAddresses checks that addresses that are as near as Config.Refuse or nearer are refused, wherever the name is resolved.
func TestRefusedAddresses(t *testing.T) {
	l := conntest.Listen(t)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d, err := NewDialer(Config{Proxy: directly, Refuse: Private})
	require.NoError(t, err)
	assert.ErrorContains(t, d.allow("10.0.0.1"), "private")
	assert.NoError(t, d.allow("203.0.113.5"))
	for name, dial := range map[string]func() (net.Conn, error){
		"an address":     func() (net.Conn, error) { return d.Dial(t.Context(), l.Addr().String()) },
		"a name":         func() (net.Conn, error) { return d.Dial(t.Context(), "localhost:"+port) },
		"with a zone":    func() (net.Conn, error) { return d.Dial(t.Context(), "[::%1]:"+port) },
		"resolved later": func() (net.Conn, error) { return d.dialServer(t.Context(), "localhost:"+port) },
		"TLS":            func() (net.Conn, error) { return d.DialTLS(t.Context(), l.Addr().String()) },
		"a tunnel":       func() (net.Conn, error) { return d.DialTunnel(t.Context(), l.Addr().String(), false) },
	} {
		_, err := dial()
		require.ErrorContains(t, err, "loopback address", name)
		assert.Equal(t, "dial", Stage(err), name)
	}
	for _, allowed := range []Nearness{0, Loopback + 1} {
		d, err = NewDialer(Config{Refuse: allowed})
		require.NoError(t, err)
		nc, err := d.Dial(t.Context(), l.Addr().String())
		require.NoError(t, err)
		nc.Close()
		assert.Equal(t, Loopback, d.Nearness())
	}
}

// TestRefusedBehindAProxy checks that Config.Refuse does not apply to the address of a proxy. The nearness of a server that is reached
// through a proxy is unknown.
func TestRefusedBehindAProxy(t *testing.T) {
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			server.Read(make([]byte, 1024))
			server.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		}()
		return client, nil
	}
	d, err := NewDialer(Config{Proxy: "http://127.0.0.1:8080", Refuse: Private, DialContext: dial})
	require.NoError(t, err)
	nc, err := d.Dial(t.Context(), "example.com:1935")
	require.NoError(t, err)
	nc.Close()
	assert.Equal(t, Public, d.Nearness())
	_, err = d.Dial(t.Context(), "127.0.0.1:1935")
	require.ErrorContains(t, err, "loopback address")
}
