package admission

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLimiter(t *testing.T) {
	p := &Limiter{Max: 4, PerAddr: 2}
	acquire := func(addr string) *Slot {
		t.Helper()
		slot, err := p.Acquire(netip.MustParseAddr(addr))
		require.NoError(t, err)
		return slot
	}
	refused := func(addr string, want error) {
		t.Helper()
		_, err := p.Acquire(netip.MustParseAddr(addr))
		assert.ErrorIs(t, err, want)
	}
	first := acquire("192.0.2.1")
	acquire("192.0.2.1")
	refused("192.0.2.1", ErrAddrFull)
	acquire("2001:db8::1")
	acquire("2001:db8::ffff")
	refused("192.0.2.2", ErrFull)
	first.Release()
	assert.Equal(t, 3, p.InUse())
	refused("2001:db8:0:0:8000::", ErrAddrFull)
	acquire("2001:db8:0:1::")
}

// TestAssign checks that a connection from a proxy counts for the address of the client after Assign.
func TestAssign(t *testing.T) {
	p := &Limiter{PerAddr: 1}
	client := netip.MustParseAddr("192.0.2.1")
	var slots []*Slot
	for range 2 {
		slot, err := p.Acquire(netip.Addr{})
		require.NoError(t, err)
		slots = append(slots, slot)
	}
	require.NoError(t, slots[0].Assign(client))
	assert.ErrorIs(t, slots[1].Assign(client), ErrAddrFull)
	slots[1].Release()
	_, err := p.Acquire(client)
	assert.ErrorIs(t, err, ErrAddrFull)
	slots[0].Release()
	_, err = p.Acquire(client)
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
