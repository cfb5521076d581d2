package server_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// refusedAtOnce checks that the server closes the connection without sending a byte.
func refusedAtOnce(t testing.TB, addr string) bool {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	nc.Write([]byte{3})
	n, err := nc.Read(make([]byte, 1))
	return n == 0 && err != nil && !strings.Contains(err.Error(), "timeout")
}

func TestMaxConns(t *testing.T) {
	s := &server.Server{MaxConns: 2}
	addr := start(t, s)
	p := newPeer(t, addr)
	newPeer(t, addr)
	assert.True(t, refusedAtOnce(t, addr))
	assert.EqualValues(t, 1, s.Stats().Refused)
	p.Conn.Close()
	eventually(t, "a slot is free again", func() bool { return s.Stats().Conns == 1 })
	newPeer(t, addr).connect("x")
}

func TestMaxConnsPerIP(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.1/32")
	s := &server.Server{MaxConnsPerIP: 1, TrustedProxies: []netip.Prefix{loopback}}
	addr := start(t, s)
	impatient := start(t, &server.Server{SetupTimeout: 100 * time.Millisecond, TrustedProxies: s.TrustedProxies})
	from := func(header string) *peer {
		nc, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		t.Cleanup(func() { nc.Close() })
		io.WriteString(nc, header)
		return peerOn(t, nc)
	}
	refusedAt := func(addr, header string) {
		nc, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		io.WriteString(nc, header)
		_, err = nc.Read(make([]byte, 1))
		require.Error(t, err)
		assert.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	refused := func(header string) { refusedAt(addr, header+"\x03") }
	p := from("PROXY TCP4 192.0.2.1 192.0.2.2 1000 1935\r\n")
	p.connect("x")
	assert.Equal(t, "192.0.2.1:1000", s.Conns()[0].RemoteAddr().String())
	refused("PROXY TCP4 192.0.2.1 192.0.2.2 1001 1935\r\n")
	from("PROXY TCP4 192.0.2.3 192.0.2.2 1000 1935\r\n")
	v6 := from("PROXY TCP6 2001:db8::1 2001:db8::2 1000 1935\r\n")
	refused("PROXY TCP6 2001:db8::ffff 2001:db8::2 1000 1935\r\n") // the same /64
	from("PROXY TCP6 2001:db8:0:1::1 2001:db8::2 1000 1935\r\n")
	v6.Conn.Close()
	eventually(t, "a slot is free again", func() bool { return s.Stats().Conns == 3 })
	from(proxyV2("2001:db8::ffff"))
	from("PROXY UNKNOWN\r\n")
	from("PROXY UNKNOWN\r\n") // connections of the proxy itself do not count
	from("")                  // a header is optional; without a header, the connection counts for the proxy's address
	refused("")
	refused("PROXY TCP4 127.0.0.1 192.0.2.2 1000 1935\r\n") // if the client has the proxy's address, its connection counts for this address, too
	refused("PROXY nonsense\r\n")
	refused("PROXY " + strings.Repeat("x", 200))
	refusedAt(impatient, proxyV2("2001:db8::1")[:16]) // the header is cut off, so the connection is refused
}

// proxyV2 returns the binary header for a client at an IPv6 address.
func proxyV2(from string) string {
	src := netip.MustParseAddr(from).As16()
	b := []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x21")
	b = binary.BigEndian.AppendUint16(b, 36+7)
	b = append(append(b, src[:]...), src[:]...)
	b = binary.BigEndian.AppendUint16(b, 5000)
	b = binary.BigEndian.AppendUint16(b, 1935)
	return string(append(b, 4, 0, 4, 1, 2, 3, 4)) // a TLV
}

func TestUntrustedProxyIsNotBelieved(t *testing.T) {
	nc, err := net.Dial("tcp", app(t, &server.App{}))
	require.NoError(t, err)
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	io.WriteString(nc, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1935\r\n")
	n, err := nc.Read(make([]byte, 1))
	assert.Zero(t, n)
	assert.Error(t, err)
}

// TestIdleTimeout checks that a client that answers pings stays connected, and that it is disconnected when it no longer does.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{}
		defer s.Close()
		p, done := piped(t, s)
		p.connect("x")
		for pings := 0; pings < 3; {
			m, err := p.Read()
			require.NoError(t, err)
			if u, err := message.ParseUserControl(m.Body); m.Type == message.TypeUserControl && err == nil && u.Event == message.EventPingRequest {
				pings++
				p.Control(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingResponse, u.Value))
			}
		}
		p.UntilGone() // not answered
		assert.ErrorContains(t, <-done, "IdleTimeout")
	})
}

// TestWriteTimeout checks that a player that reads nothing is disconnected, and that the other players receive everything.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = time.Second
		stopped := make(chan server.StreamStats, 1)
		s := &server.Server{WriteTimeout: limit, Apps: map[string]*server.App{"*": {
			Stop: func(_ *server.Request, st server.StreamStats) { stopped <- st }}}}
		defer s.Close()
		stuck, ended := piped(t, s)
		stuck.connect("live")
		stuck.command(stuck.CreateStream(), "play", 3, nil, "x", -1000.0)
		stuck.UntilCode(message.CodePlayStart)
		pub, err := s.Publish(t.Context(), "live/x")
		require.NoError(t, err)
		viewer, err := s.Subscribe(t.Context(), "live/x", server.SubscribeOptions{})
		require.NoError(t, err)
		send := func(at uint32) {
			t.Helper()
			require.NoError(t, pub.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: at, Body: []byte{0x17, 1, 0, 0, 0, 0}}))
			tag, err := viewer.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, at, tag.Tag.Timestamp)
			synctest.Wait()
		}
		for at := uint32(0); at < 1000; at += 40 {
			send(at)
			require.Empty(t, stopped, "%d ms", at)
			time.Sleep(40 * time.Millisecond)
		}
		send(1000)
		assert.Equal(t, "live/x", (<-stopped).Path)
		assert.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
	})
}

// TestPingFloodOfAClient sends endless pings without reading the answers. The pings must neither block the server nor fill its memory. The
// server must disconnect the client when it can no longer send answers.
func TestPingFloodOfAClient(t *testing.T) {
	s := &server.Server{WriteTimeout: 300 * time.Millisecond}
	defer s.Close()
	a, b := conntest.Pair(t)
	a.SetReadBuffer(4096) // a small buffer makes the test fast
	b.SetWriteBuffer(4096)
	done := make(chan error, 1)
	go func() { done <- s.ServeConn(context.Background(), b) }()
	p := peerOn(t, a)
	p.connect("x")
	var flood []byte
	for range 1000 {
		flood = append(flood, p.Encode(peertest.Control(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingRequest, 1)))...)
	}
	var err error
	for err == nil {
		_, err = p.Conn.Write(flood)
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the client is still served")
	assert.ErrorIs(t, waitFor(t, "the end", done), os.ErrDeadlineExceeded)
}
