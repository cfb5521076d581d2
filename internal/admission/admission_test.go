package admission

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlaces(t *testing.T) {
	p := &Places{Max: 4, PerAddr: 2}
	take := func(addr string) *Place {
		t.Helper()
		place, err := p.Take(netip.MustParseAddr(addr))
		require.NoError(t, err)
		return place
	}
	refused := func(addr string, want error) {
		t.Helper()
		_, err := p.Take(netip.MustParseAddr(addr))
		assert.ErrorIs(t, err, want)
	}
	first := take("192.0.2.1")
	take("192.0.2.1")
	refused("192.0.2.1", ErrAddrFull)
	take("2001:db8::1")
	take("2001:db8::ffff")
	refused("192.0.2.2", ErrFull)
	first.Leave()
	assert.Equal(t, 3, p.Taken())
	refused("2001:db8:0:0:8000::", ErrAddrFull)
	take("2001:db8:0:1::")
}

// TestAssign checks that a connection from a proxy counts for the address of the client after Assign.
func TestAssign(t *testing.T) {
	p := &Places{PerAddr: 1}
	client := netip.MustParseAddr("192.0.2.1")
	var places []*Place
	for range 2 {
		place, err := p.Take(netip.Addr{})
		require.NoError(t, err)
		places = append(places, place)
	}
	require.NoError(t, places[0].Assign(client))
	assert.ErrorIs(t, places[1].Assign(client), ErrAddrFull)
	places[1].Leave()
	_, err := p.Take(client)
	assert.ErrorIs(t, err, ErrAddrFull)
	places[0].Leave()
	_, err = p.Take(client)
	assert.NoError(t, err)
	assert.Len(t, p.byAddr, 1, "addresses without connections are forgotten")
}

type named string

func (named) Network() string  { return "http" }
func (a named) String() string { return string(a) }

func TestAddrOf(t *testing.T) {
	for text, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::1",
		"[fe80::1%eth0]:80": "fe80::1", "[::ffff:192.0.2.1]:80": "192.0.2.1"} {
		assert.Equal(t, want, AddrOf(named(text)).String(), text)
	}
	assert.Equal(t, "192.0.2.1", AddrOf(&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 80}).String())
	for _, a := range []net.Addr{nil, named("pipe"), named(""), &net.UnixAddr{Name: "/run/x"}} {
		assert.False(t, AddrOf(a).IsValid(), "%v", a)
	}
}
