package rtmp

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
	"github.com/stretchr/testify/require"
)

// A server leaves after so many messages in some way: Close says nil exactly when all has arrived.
func TestCloseTellsTheTruth(t *testing.T) {
	n := repetitions(150)
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	tally := map[string]int{}
	var wg sync.WaitGroup
	gate := make(chan struct{}, 6)
	for i := range n {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			scheme := "rtmp"
			mode := []string{"close", "close late", "reset", "reset late"}[r.IntN(4)]
			count, size := 1+r.IntN(12), []int{20, 500, 3000}[r.IntN(3)]
			leaveAt := r.IntN(count + 4) // messages: all media, FCUnpublish, deleteStream, the end
			got := make(chan int, 1)
			serve := func(nc net.Conn, tcp net.Conn) {
				p := scripted(t, nc)
				if p == nil {
					got <- -1
					return
				}
				p.in = chunk.NewReader(unbuffered{nc}, 0) // what it has not asked for stays in the kernel
				p.acceptPublisher()
				media, messages := 0, 0
				for messages < leaveAt {
					var m chunk.Message
					if p.in.Next(&m) != nil {
						break
					}
					messages++
					if message.Type(m.Type) == message.TypeVideo {
						media++
					}
				}
				if strings.HasSuffix(mode, "late") {
					time.Sleep(20 * time.Millisecond)
				}
				c, _ := tcp.(*net.TCPConn)
				switch {
				case strings.HasPrefix(mode, "reset") && c != nil:
					c.SetLinger(0)
					c.Close()
				case mode == "half":
					if h, ok := nc.(interface{ CloseWrite() error }); ok {
						h.CloseWrite()
					}
					time.Sleep(30 * time.Millisecond)
				case mode == "raw" && c != nil:
					c.Close()
				}
				got <- media
				nc.Close()
			}
			var url string
			end := func() {}
			o := &Options{Timeout: 2 * time.Second, NoEnhanced: true, SendQueue: 8 << 20, TLSConfig: testserver.ClientTLS()}
			switch scheme {
			case "rtmpt":
				tunnels := transport.NewTunnelServer(func(nc net.Conn) { serve(nc, nil) })
				web := httptest.NewServer(tunnels)
				end = func() { tunnels.Close(); web.Close() }
				url = "rtmpt" + strings.TrimPrefix(web.URL, "http") + "/app/play"
			default:
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				go func() {
					nc, err := l.Accept()
					if err != nil {
						return
					}
					if r.IntN(2) == 0 {
						_ = nc
					}
					if scheme == "rtmps" {
						serve(tls.Server(nc, testserver.ServerTLS()), nc)
					} else {
						serve(nc, nc)
					}
				}()
				end = func() { l.Close() }
				url = scheme + "://" + l.Addr().String() + "/app/play"
			}
			defer end()
			c, err := Dial(testContext(t), url, o)
			if err != nil {
				t.Errorf("%v", err)
				return
			}
			s, err := c.CreateStream(testContext(t), &StreamOptions{Writable: true})
			if err != nil {
				c.Close()
				<-got
				return
			}
			accepted := 0
			for j := range count {
				if s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(j), Body: make([]byte, size)}) == nil {
					accepted++
				}
			}
			if r.IntN(3) == 0 {
				s.Close()
			}
			err = c.Close()
			arrived := <-got
			kind := "right"
			switch {
			case err == nil && arrived < accepted:
				kind = "FALSE NIL"
			case err != nil && arrived == accepted:
				kind = "false error"
			}
			mu.Lock()
			defer mu.Unlock()
			tally[fmt.Sprintf("%-11s %-5s %s", kind, scheme, mode)]++
			if kind == "FALSE NIL" {
				t.Errorf("%s %s: %d of %d messages of %d bytes arrived, left at %d, Close nil; Err %v", scheme, mode, arrived, accepted, size, leaveAt, c.Err())
			}
		})
	}
	wg.Wait()
	for k, v := range tally {
		t.Logf("%4d %s", v, k)
	}
}

// scripted shakes hands as a server. It returns nil when the client has gone.
func scripted(t *testing.T, nc net.Conn) *peer {
	if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
		return nil
	}
	return &peer{t: t, nc: nc, in: chunk.NewReader(nc, 0), out: chunk.NewWriter()}
}

// unbuffered is read a byte at a time, so that what is not wanted yet stays in the socket.
type unbuffered struct{ io.Reader }

func (u unbuffered) Read(p []byte) (int, error) { return u.Reader.Read(p[:min(1, len(p))]) }
