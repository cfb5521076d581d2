package transport

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestUnacknowledged(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not possible on this system, or untested (macOS)")
	}
	l := conntest.Listen(t)
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	other, err := l.Accept()
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, other.(*net.TCPConn).SetReadBuffer(4096))

	layers := []net.Conn{Encipher(nc, zeros{}, zeros{}), &tlsConn{box: &outbox{Conn: nc}}}
	n, known := Unacknowledged(nc)
	assert.True(t, known)
	assert.Zero(t, n)
	for _, above := range layers {
		assert.True(t, above.(interface{ HasRoom() bool }).HasRoom(), "%T", above)
	}
	much := make([]byte, 64<<20) // allocated before the deadline is set, since allocating may take longer on a busy machine
	nc.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	written, err := nc.Write(much)
	require.Error(t, err, "it is not read")
	n, _ = Unacknowledged(nc)
	assert.Positive(t, n)
	assert.Less(t, n, written)
	for _, above := range layers {
		assert.False(t, above.(interface{ HasRoom() bool }).HasRoom(), "%T", above)
	}
	for _, above := range append(layers, &prefixedConn{Conn: nc}) {
		m, known := Unacknowledged(above)
		assert.True(t, known, "%T", above)
		assert.Equal(t, n, m, "%T", above)
	}
	box := &outbox{Conn: nc, waiting: make([]byte, 100)}
	m, _ := Unacknowledged(&tlsConn{box: box})
	assert.Equal(t, n+100, m, "bytes that wait in the outbox")
	box.mu.Lock()
	m, _ = Unacknowledged(&tlsConn{box: box})
	assert.Greater(t, m, n, "a write is in progress")

	_, known = Unacknowledged(&net.UDPConn{})
	assert.False(t, known)
	assert.False(t, (&outbox{Conn: &net.UDPConn{}}).empty(), "unknown")
}

// zeros is a cipher that changes nothing.
type zeros struct{}

func (zeros) XORKeyStream(dst, src []byte) { copy(dst, src) }
