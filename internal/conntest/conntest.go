// Package conntest contains helpers for tests: contexts and loopback sockets that end with the test, and bytes in hexadecimal digits.
package conntest

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Context returns a context that ends with the test, or after two minutes so that the test can't hang.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Listen returns a listener on the loopback interface. It is closed at the end of the test.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// Serve runs serve for each connection to addr. It closes the connection when serve returns or the test ends, and the test waits for all
// calls of serve.
func Serve(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	l := Listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer context.AfterFunc(ctx, func() { nc.Close() })()
				defer nc.Close()
				serve(nc)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		cancel()
		serving.Wait()
	})
	return l.Addr().String()
}

// Pair returns the two ends of a loopback connection, which are closed at the end of the test. Unlike with net.Pipe, a write need not wait
// for a reader.
func Pair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	l := Listen(t)
	a, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { a.Close() })
	b, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// UnusedPort returns a port of the loopback interface that is not in use. It is below the ports that systems assign themselves (from 32768
// on Linux, from 49152 elsewhere), so that the sockets of other tests do not take it in the meantime.
func UnusedPort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(22_000))
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			l.Close()
			return port
		}
	}
	require.FailNow(t, "no port can be listened on")
	return ""
}

// UntilListening waits for a server of another process to start listening.
func UntilListening(t testing.TB, addr string) {
	t.Helper()
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "no server listens on %s", addr)
}
