package transport

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestQuickAck(t *testing.T) {
	l := conntest.Listen(t)
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	quick := func() (on int) {
		require.NoError(t, raw.Control(func(fd uintptr) {
			on, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK)
		}))
		require.NoError(t, err)
		return on
	}
	for _, above := range []net.Conn{nc, Encipher(nc, zeros{}, zeros{}), &prefixedConn{Conn: nc}, &tlsConn{box: &outbox{Conn: nc}}} {
		require.NoError(t, raw.Control(func(fd uintptr) { // the state of the socket after an exchange of messages
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
		}))
		require.NoError(t, err)
		require.Zero(t, quick())
		QuickAck(above)()
		assert.Equal(t, 1, quick(), "%T", above)
	}
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	assert.Nil(t, QuickAck(pipe))
	assert.Nil(t, QuickAck(&tunnel{}))
}
