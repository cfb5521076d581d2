package transport

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestLowWater(t *testing.T) {
	nc, peer := conntest.Pair(t)
	raw, err := nc.SyscallConn()
	require.NoError(t, err)
	mark := func() (n int) {
		require.NoError(t, raw.Control(func(fd uintptr) {
			n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT)
		}))
		require.NoError(t, err)
		return n
	}
	for _, above := range []net.Conn{nc, Encipher(nc, zeros{}, zeros{})} {
		w := NewLowWater(above)
		require.NoError(t, nc.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		_, err := peer.Write([]byte("few"))
		require.NoError(t, err)
		assert.False(t, w.Wait(1000), "%T: the deadline passes", above)
		w.Clear()
		assert.Equal(t, 1, mark())
		require.NoError(t, nc.SetReadDeadline(time.Time{}))
		_, err = io.ReadFull(nc, make([]byte, 3))
		require.NoError(t, err)

		require.NoError(t, nc.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		assert.False(t, w.Wait(1000), "%T: there is nothing", above)
		assert.Equal(t, 1, mark(), "%T: the read that follows must not wait for more than a byte", above)

		require.NoError(t, nc.SetReadDeadline(time.Time{}))
		woken := make(chan bool)
		go func() { woken <- w.Wait(1000) }()
		_, err = peer.Write(make([]byte, 1000))
		require.NoError(t, err)
		assert.True(t, <-woken, "%T: enough has arrived", above)
		assert.True(t, w.Wait(1000), "%T: enough is there", above)
		w.Clear()
		assert.Equal(t, 1, mark())
		_, err = io.ReadFull(nc, make([]byte, 1000))
		require.NoError(t, err)
	}
	woken := make(chan bool)
	w := NewLowWater(nc)
	go func() { woken <- w.Wait(100_000) }()
	require.NoError(t, peer.CloseWrite())
	assert.True(t, <-woken, "the peer has closed the connection")
	assert.True(t, w.Wait(100_000))
	assert.Nil(t, NewLowWater(&tunnel{}))
	assert.Nil(t, NewLowWater(&tlsConn{box: &outbox{Conn: nc}}), "one read does not return all that has arrived")
}
