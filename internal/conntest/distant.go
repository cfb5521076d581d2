package conntest

import (
	"net"
	"testing"
	"time"
)

// Carry copies from one connection to another, with a delay of oneWay, until EOF or an error. Then it closes the write side of to or, if to
// has no CloseWrite, the whole connection.
func Carry(to, from net.Conn, oneWay time.Duration) {
	type piece struct {
		due time.Time
		b   []byte
	}
	way := make(chan piece, 1<<12)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 64<<10)
			n, err := from.Read(b)
			if n > 0 {
				way <- piece{time.Now().Add(oneWay), b[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		to.Write(p.b) // after an error the other direction may still carry bytes
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	} else {
		to.Close()
	}
}

// Distant starts a relay to addr that ends with the test, and returns its address. It delays all bytes by oneWay in each direction, but
// does not delay connecting.
func Distant(t testing.TB, addr string, oneWay time.Duration) string {
	t.Helper()
	return Serve(t, func(client net.Conn) {
		server, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer server.Close()
		back := make(chan struct{})
		go func() {
			defer close(back)
			Carry(client, server, oneWay)
			client.Close()
		}()
		Carry(server, client, oneWay)
		select {
		case <-back:
		case <-time.After(10 * time.Second): // some servers never close the connection
		}
		server.Close()
		<-back
	})
}
