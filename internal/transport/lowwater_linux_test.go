package transport

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestLowWater(t *testing.T) {
	l := conntest.Listen(t)
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	mark := func() (n int) {
		require.NoError(t, raw.Control(func(fd uintptr) {
			n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT)
		}))
		require.NoError(t, err)
		return n
	}
	for _, above := range []net.Conn{nc, Encipher(nc, zeros{}, zeros{})} {
		set := LowWater(above)
		set(48 << 10)
		assert.Equal(t, 48<<10, mark(), "%T", above)
		set(1)
		assert.Equal(t, 1, mark(), "%T", above)
	}
	assert.Nil(t, LowWater(&tunnel{}))
}
