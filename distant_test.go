package rtmp

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// oneWay is the delay in each direction between a client and a distant server.
const oneWay = 50 * time.Millisecond

// distant is the listener of a server in a synctest bubble. Connecting takes no time, but everything that is sent arrives oneWay later.
type distant struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

func newDistant() *distant {
	return &distant{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// distantServer returns a test server with the delay oneWay, which is closed at the end of the bubble.
func distantServer(cfg testserver.Config) (*testserver.Server, *distant) {
	d := newDistant()
	return testserver.Serve(d, cfg), d
}

func (d *distant) Accept() (net.Conn, error) {
	select {
	case nc := <-d.accepted:
		return nc, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *distant) Close() error {
	d.once.Do(func() { close(d.closed) })
	d.running.Wait()
	return nil
}

func (d *distant) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1935} }

// dial is for Options.DialContext.
func (d *distant) dial(context.Context, string, string) (net.Conn, error) {
	client, here := net.Pipe()
	there, server := net.Pipe()
	d.running.Go(func() { conntest.Carry(there, here, oneWay) })
	d.running.Go(func() { conntest.Carry(here, there, oneWay) })
	select {
	case d.accepted <- server:
		return client, nil
	case <-d.closed:
		client.Close()
		server.Close()
		return nil, net.ErrClosed
	}
}

// firstMedia connects to a distant server, opens the stream, and counts the round trips until the first packet.
func firstMedia(t *testing.T, url string, o *Options) (roundTrips float64, c *Conn) {
	began := time.Now()
	c, s := playing(t, url, o)
	var p Packet
	if err := s.ReadPacket(&p); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return float64(time.Since(began)) / float64(2*oneWay), c
}
