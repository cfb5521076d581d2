package conntest

import (
	"net"
	"testing"
	"time"
)

// Carry takes to one connection what comes from another, which lasts oneWay, until there is no more. It tells the end, as far as a
// connection can.
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
		to.Write(p.b) // where nobody is, it is lost; what goes the other way still arrives
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	} else {
		to.Close()
	}
}

// Distant is a relay to addr, by which everything but connecting lasts oneWay in each direction, and returns its address. It ends
// with the test.
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
		case <-time.After(10 * time.Second): // servers are known that never hang up
		}
		server.Close()
		<-back
	})
}
