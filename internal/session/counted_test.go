package session

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slowConn returns n bytes from each read, after one second.
type slowConn struct {
	net.Conn
	n int
}

func (c *slowConn) Read([]byte) (int, error) {
	time.Sleep(time.Second)
	if c.n == 0 {
		return 0, io.EOF
	}
	return c.n, nil
}

func (c *slowConn) Write(b []byte) (int, error) { return len(b), nil }

// TestRoundTrip checks that RoundTrip is the time from the first write to the first bytes after it.
func TestRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &slowConn{n: 5}
		c := &Counted{Conn: conn}
		c.Read(nil)
		require.Zero(t, c.RoundTrip, "nothing was asked")
		reads := 0
		c.BeforeRead = func() { reads++ }
		c.Write(nil)
		conn.n = 0
		c.Read(nil)
		require.Zero(t, c.RoundTrip, "nothing came")
		conn.n = 5
		c.Write(nil)
		c.Read(nil)
		require.Equal(t, 2*time.Second, c.RoundTrip)
		c.Read(nil)
		require.Equal(t, 2*time.Second, c.RoundTrip, "only the first counts")
		require.Equal(t, 3, reads)
		require.EqualValues(t, 15, c.Received)
		c.Write(make([]byte, 7))
		require.EqualValues(t, 7, c.Sent)
	})
}
