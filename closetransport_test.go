package rtmp

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// TestCloseLosesNothingOverEveryTransport checks that the last bytes of a large file arrive at a slow server that sends acknowledgements
// all the time, even if the connection can't be half closed.
func TestCloseLosesNothingOverEveryTransport(t *testing.T) {
	const count, size = 12, 512 << 10
	body := bytes.Repeat([]byte{0x27}, size)
	for name, dial := range map[string]func(ctx context.Context, network, addr string) (net.Conn, error){
		"a socket": nil,
		"wrapped": func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return hidden{nc}, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
				var arrived atomic.Int32
				server, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme, WindowAckSize: 10_000,
					OnMessage: func(_ *testserver.Session, m *chunk.Message) {
						time.Sleep(time.Millisecond) // a slow server
						if message.Type(m.Type) == message.TypeVideo {
							arrived.Add(1)
						}
					}})
				o.DialContext = dial
				c, s := publishing(t, server.URL("live", "out"), o)
				for i := range count {
					require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(i * 40), Body: body}))
				}
				require.NoError(t, c.Close())
				assert.Equal(t, int32(count), arrived.Load())
				assert.Len(t, rtmptest.Tags(t, recorded("out")), count)
			})
		})
	}
}

// TestCloseWaitsForTheReader checks that Close returns only after the server has read everything, even if the server of a tunnel answers
// HTTP requests before it has read them.
func TestCloseWaitsForTheReader(t *testing.T) {
	const count, size = 10, 10_000
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		var read atomic.Int32
		server := rtmptest.Server(t, testserver.Config{Scheme: scheme,
			OnMessage: func(_ *testserver.Session, m *chunk.Message) {
				if message.Type(m.Type) == message.TypeVideo && read.Add(1) == 1 {
					time.Sleep(50 * time.Millisecond) // a busy server
				}
			}})
		c, s := publishing(t, server.URL("live", "out"), o)
		writePackets(t, s, count, size)
		require.NoError(t, c.Close())
		assert.Equal(t, int32(count), read.Load())
	})
}

// tlsPublisher publishes with rtmps through a pipe, where a write waits for its reader. script is what the server does after it
// has read deleteStream.
func tlsPublisher(t *testing.T, script func(nc net.Conn)) *Conn {
	client, server := net.Pipe()
	cfg := testserver.ServerTLS()
	cfg.SessionTicketsDisabled = true // session tickets would not be read
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		nc := tls.Server(server, cfg)
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPublisher()
		p.Expect("deleteStream")
		script(nc)
	}()
	trust := testserver.ClientTLS()
	trust.Time = func() time.Time { return cfg.Certificates[0].Leaf.NotBefore.Add(time.Minute) } // the clock of a bubble is different
	c, err := Dial(t.Context(), "rtmps://127.0.0.1/app/play", &Options{TLSConfig: trust,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); <-done })
	_, err = c.CreateStream(t.Context(), &StreamOptions{Writable: true})
	require.NoError(t, err)
	return c
}

func TestFarewellOfTLS(t *testing.T) {
	testserver.ServerTLS()                        // makes the certificate in real time
	t.Run("nobody reads it", func(t *testing.T) { // in real time, since closing TLS waits for a mutex, which stops a bubble's clock
		over := make(chan struct{})
		defer close(over)
		c := tlsPublisher(t, func(net.Conn) { <-over })
		closeWithin(c, 500*time.Millisecond)
		requireLossReported(t, c, os.ErrDeadlineExceeded)
	})
	t.Run("it is read late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := tlsPublisher(t, func(nc net.Conn) {
				time.Sleep(8 * time.Second)
				_, err := io.Copy(io.Discard, nc)
				assert.NoError(t, err)
			})
			assert.Equal(t, 8*time.Second, elapsed(func() { assert.NoError(t, c.Close()) }))
		})
	})
}

// TestCloseTellsTheTruth checks that Close returns nil only if all media has arrived, with servers that hang up after any number of
// messages, in several ways. (After a reset Close can't know that, and may return an error.)
func TestCloseTellsTheTruth(t *testing.T) {
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, 6)
	for i := range repetitions(150) {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			how := []string{"close", "close late", "reset", "reset late"}[random.IntN(4)]
			count, size := 1+random.IntN(12), []int{20, 500, 3000}[random.IntN(3)]
			messages := random.IntN(count + 4) // messages of media, FCUnpublish, deleteStream, and those that may follow
			got := make(chan int, 1)
			url := newPeer(t, func(p *peer) {
				p.In = chunk.NewReader(unbuffered{p.Conn}, 0) // unread bytes stay in the socket
				p.AcceptPublisher()
				media := 0
				var m chunk.Message
				for n := 0; n < messages && p.In.Next(&m) == nil; n++ {
					if message.Type(m.Type) == message.TypeVideo {
						media++
					}
				}
				if strings.HasSuffix(how, "late") {
					time.Sleep(20 * time.Millisecond) // a server that hangs up later, so that Close has got further
				}
				if strings.HasPrefix(how, "reset") {
					p.Conn.(*net.TCPConn).SetLinger(0)
				}
				got <- media
			})
			c, err := Dial(conntest.Context(t), url, &Options{Timeout: patience, NoEnhanced: true, SendQueue: 8 << 20})
			if !assert.NoError(t, err) {
				return
			}
			s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
			if err != nil { // the server has already left
				c.Close()
				return
			}
			accepted := 0
			for j := range count {
				if s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(j), Body: make([]byte, size)}) == nil {
					accepted++
				}
			}
			if random.IntN(3) == 0 {
				s.Close()
			}
			began := time.Now()
			if err := c.Close(); err == nil && time.Since(began) < lingerGrace { // later, a server that was too slow to hang up has only received it
				assert.Equal(t, accepted, <-got, "%s after %d messages, %d of %d bytes: %v", how, messages, count, size, c.Err())
			}
		})
	}
}

type unbuffered struct{ io.Reader }

func (u unbuffered) Read(p []byte) (int, error) { return u.Reader.Read(p[:min(1, len(p))]) }

// TestCloseReportsWhatATunnelRefused checks that Close returns an error if the server of a tunnel ends the session before all media was
// sent.
func TestCloseReportsWhatATunnelRefused(t *testing.T) {
	var ended atomic.Bool
	var received atomic.Int64 // messages of media
	arrived, answer := make(chan struct{}), make(chan struct{})
	tunnels := transport.NewTunnelServer(func(nc net.Conn) {
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPublisher()
		for p.ExpectType(message.TypeVideo) != nil {
			received.Add(1)
		}
	})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case ended.Load():
			io.Copy(io.Discard, r.Body)
			http.NotFound(w, r)
		case strings.HasPrefix(r.URL.Path, "/send/") && r.ContentLength > 5000:
			ended.Store(true)
			io.Copy(io.Discard, r.Body)
			close(arrived)
			<-answer
			w.Header().Set("Content-Type", "application/x-fcs")
			w.Write([]byte{0}) // the session is about to end
		default:
			tunnels.ServeHTTP(w, r)
		}
	}))
	defer tunnels.Close()
	defer web.Close()
	c, s := publishing(t, "rtmpt"+strings.TrimPrefix(web.URL, "http")+"/app/play", &Options{NoEnhanced: true})
	writePackets(t, s, 1, 10_000)
	<-arrived
	writePackets(t, s, 10, 10_000)
	close(answer)
	s.Close()
	requireLossReported(t, c, io.ErrUnexpectedEOF)
	assert.Zero(t, received.Load(), "of 11")
}

// TestCallsBesideClose checks that Close waits until the server has read everything, even while calls are being made or remain unanswered.
func TestCallsBesideClose(t *testing.T) {
	const count, size = 12, 512 << 10
	for name, dial := range map[string]func(ctx context.Context, network, addr string) (net.Conn, error){
		"a socket": nil,
		"wrapped": func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return struct{ *net.TCPConn }{nc.(*net.TCPConn)}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var arrived atomic.Int32
			// The server acknowledges often, since Close waits only for a server that shows that it is reading.
			server, _ := rtmptest.Recorder(t, testserver.Config{WindowAckSize: 10_000, OnMessage: func(_ *testserver.Session, m *chunk.Message) {
				time.Sleep(time.Millisecond) // a slow server
				if message.Type(m.Type) == message.TypeVideo {
					arrived.Add(1)
				}
			}})
			c, s := publishing(t, server.URL("live", "out"), &Options{DialContext: dial})
			writePackets(t, s, count, size)
			var calling sync.WaitGroup
			for range 4 {
				calling.Go(func() {
					for c.Err() == nil {
						c.Call(context.Background(), "nothing")
						time.Sleep(100 * time.Microsecond)
					}
				})
			}
			require.NoError(t, c.Close())
			calling.Wait()
			assert.EqualValues(t, count, arrived.Load())
		})
	}
}
