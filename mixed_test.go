package rtmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

var sixSchemes = []string{"rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpts", "rtmpte"}

// Everything beside everything, and Close at random moments.
func TestMixedConcurrency(t *testing.T) {
	n := repetitions(24)
	var ops atomic.Int64
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	servers := map[string]*testserver.Server{}
	for _, scheme := range sixSchemes {
		s, err := testserver.Start(testserver.Config{Scheme: scheme, Files: map[string][]byte{"sample": shortSample(t, 60_000)},
			Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
				"echo": func(s *testserver.Session, cmd message.Command) (any, error) {
					s.Call("back", cmd.Args[0])
					return cmd.Args[0], nil
				}}})
		require.NoError(t, err)
		defer s.Close()
		servers[scheme] = s
	}
	bad := map[string]int{}
	var mu sync.Mutex
	note := func(what string, err error) {
		ops.Add(1)
		if err == nil || err == io.EOF || rightlyTyped(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return
		}
		mu.Lock()
		bad[fmt.Sprintf("%s: %T %.200v", what, err, err)]++
		mu.Unlock()
	}
	before := runtime.NumGoroutine()
	var all sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range n {
		gate <- struct{}{}
		all.Go(func() {
			defer func() { <-gate }()
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			scheme := sixSchemes[i%6]
			o := &Options{TLSConfig: testserver.ClientTLS(), Timeout: 3 * time.Second, BackgroundRead: r.IntN(2) == 0, SendQueue: r.IntN(2) * 100_000,
				MaxQueue: []int{0, 5000, 100_000}[r.IntN(3)], OnStatus: func(*Stream, *StatusError) {}}
			c, err := Dial(context.Background(), servers[scheme].URL("app", "sample"), o)
			if err != nil {
				t.Error(err)
				return
			}
			c.InvokeHandler("back", func(ctx context.Context, args []any) (any, error) {
				if rand.IntN(20) == 0 {
					c.Stats()
				}
				return args, nil
			})
			life, end := context.WithCancel(context.Background())
			short := func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(life, time.Duration(20+rand.IntN(3000))*time.Microsecond)
			}
			var wg sync.WaitGroup
			worker := func(f func()) {
				wg.Go(func() {
					for life.Err() == nil && c.Err() == nil {
						f()
					}
				})
			}
			worker(func() { // players
				ctx, cancel := short()
				if rand.IntN(2) == 0 {
					cancel()
					ctx, cancel = context.WithTimeout(life, time.Second)
				}
				s, err := c.CreateStream(ctx, nil)
				cancel()
				note("CreateStream", err)
				if err != nil {
					return
				}
				var inner sync.WaitGroup
				inner.Go(func() {
					buf := make([]byte, 1+rand.IntN(5000))
					for range rand.IntN(50) {
						s.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(2000)) * time.Microsecond))
						_, err := s.Read(buf)
						note("Read", err)
						if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
							return
						}
					}
				})
				inner.Go(func() {
					for range rand.IntN(4) {
						ctx, cancel := short()
						switch rand.IntN(4) {
						case 0:
							note("Pause", s.Pause(ctx))
						case 1:
							note("Unpause", s.Unpause(ctx))
						case 2:
							note("Seek", s.Seek(ctx, time.Duration(rand.IntN(3000))*time.Millisecond))
						case 3:
							note("UpdateBuffer", s.UpdateBuffer(ctx, time.Second))
						}
						cancel()
					}
				})
				if rand.IntN(2) == 0 {
					inner.Wait()
				} else {
					time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
				}
				note("Stream.Close", s.Close())
				inner.Wait()
			})
			worker(func() {
				ctx, cancel := short()
				defer cancel()
				k, err := c.Call(ctx, "echo", 7.0)
				note("Call", err)
				if err == nil {
					v, err := k.Result(ctx)
					note("Result", err)
					if err == nil {
						assert.Equal(t, 7.0, v)
					}
				}
				time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
			})
			if i%2 == 0 {
				name := fmt.Sprintf("pub%d", i)
				worker(func() {
					s, err := c.CreateStream(life, &StreamOptions{Name: name, Writable: true})
					note("publish", err)
					if err != nil {
						time.Sleep(time.Millisecond)
						return
					}
					var inner sync.WaitGroup
					for g := range 1 {
						inner.Go(func() {
							for j := range 50 {
								if rand.IntN(10) == 0 {
									s.SetWriteDeadline(time.Now().Add(time.Duration(50+rand.IntN(2000)) * time.Microsecond))
								}
								err := s.WritePacket(&Packet{Type: message.TypeVideo - message.Type(g), Timestamp: uint32(j), Body: make([]byte, 1+rand.IntN(3000))})
								note("WritePacket", err)
								if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
									return
								}
							}
						})
					}
					if rand.IntN(2) == 0 {
						inner.Wait()
					}
					note("Stream.Close of a publisher", s.Close())
					inner.Wait()
				})
			}
			worker(func() {
				so, err := c.SharedObject(life, "so", false)
				note("SharedObject", err)
				if err != nil {
					time.Sleep(time.Millisecond)
					return
				}
				so.Handle(func(SharedObjectEvent) {})
				ctx, cancel := short()
				note("Set", so.Set(ctx, "x", rand.IntN(10)))
				cancel()
				note("so.Close", so.Close())
			})
			if r.IntN(3) == 0 {
				worker(func() {
					ctx, cancel := short()
					defer cancel()
					var p Packet
					if c.ReadPacket(ctx, &p) == nil {
						note("HandlePacket", c.HandlePacket(ctx, &p))
					}
					time.Sleep(time.Millisecond)
				})
			}
			time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
			if died := c.Err(); died != nil {
				note("died", died)
				mu.Lock()
				bad[fmt.Sprintf("DIED %s: %.200v", scheme, died)]++
				mu.Unlock()
			}
			began := time.Now()
			if r.IntN(2) == 0 {
				go c.Close()
			}
			note("Conn.Close", c.Close())
			if d := time.Since(began); d > 3500*time.Millisecond {
				t.Errorf("%s: Close took %v", scheme, d)
			}
			end()
			stopped := make(chan struct{})
			go func() { wg.Wait(); close(stopped) }()
			select {
			case <-stopped:
			case <-time.After(10 * time.Second):
				buf := make([]byte, 1<<20)
				t.Errorf("%s: stuck\n%s", scheme, buf[:runtime.Stack(buf, true)])
			}
		})
	}
	all.Wait()
	time.Sleep(500 * time.Millisecond)
	t.Logf("%d connections, %d operations, goroutines %d -> %d", n, ops.Load(), before, runtime.NumGoroutine())
	for k, v := range bad {
		t.Errorf("%d times %s", v, k)
	}
}

// What the server records is what was written, whatever the contexts and deadlines.
func TestWriteIntegrity(t *testing.T) {
	n := repetitions(2)
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	var packets, refused, sessions, died atomic.Int64
	for _, scheme := range sixSchemes {
		t.Run(scheme, func(t *testing.T) {
			for i := range n {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				server, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme})
				o := &Options{TLSConfig: testserver.ClientTLS(), Timeout: 5 * time.Second}
				c, s := publishing(t, server.URL("live", "out"), o)
				life, end := context.WithCancel(context.Background())
				var wg sync.WaitGroup
				wg.Go(func() { // others that write, with contexts that end anywhere
					for life.Err() == nil {
						ctx, cancel := context.WithTimeout(life, time.Duration(20+rand.IntN(200))*time.Microsecond)
						c.Call(ctx, "nobody", strings.Repeat("x", rand.IntN(3000)))
						s.UpdateBuffer(ctx, time.Second)
						cancel()
					}
				})
				wg.Go(func() {
					for life.Err() == nil {
						s.SetWriteDeadline(time.Now().Add(time.Duration(rand.IntN(400)) * time.Microsecond))
						time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
					}
				})
				var want [][]byte
				useWrite := i%2 == 1
				count := 150
				for j := range count {
					body := make([]byte, 8+r.IntN(20000))
					body[0] = 0x27
					binary.BigEndian.PutUint32(body[4:], uint32(j))
					for {
						var err error
						if useWrite {
							tag := flv.AppendTag(nil, flv.Tag{Type: flv.TagVideo, Timestamp: uint32(j), Body: body})
							for len(tag) > 0 {
								var m int
								m, err = s.Write(tag)
								tag = tag[m:]
								if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || c.Err() != nil {
									break
								}
							}
							if c.Err() == nil {
								err = nil
							}
						} else {
							err = s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(j), Body: body})
						}
						if err == nil {
							break
						}
						refused.Add(1)
						if c.Err() != nil {
							break
						}
					}
					if c.Err() != nil {
						break
					}
					want = append(want, body)
					packets.Add(1)
				}
				end()
				wg.Wait()
				s.SetWriteDeadline(time.Time{})
				sessions.Add(1)
				if c.Err() != nil {
					died.Add(1)
					t.Logf("%s died: %v", scheme, c.Err())
					c.Close()
					server.Close()
					continue
				}
				err := c.Close()
				require.NoError(t, err)
				got := rtmptest.Tags(t, recorded("out"))
				require.Equal(t, len(want), len(got))
				for j := range got {
					require.True(t, bytes.Equal(want[j], got[j].Body), "packet %d", j)
				}
			}
		})
	}
	t.Logf("%d sessions, %d packets, %d refusals, %d connections died", sessions.Load(), packets.Load(), refused.Load(), died.Load())
}

// Two streams of one connection, at random speeds, one closed at a random moment: each gets its own bytes.
func TestTwoStreams(t *testing.T) {
	n := repetitions(2)
	a, b := shortSample(t, 60_000), testserver.Sample[:]
	var sessions, whole atomic.Int64
	for _, scheme := range sixSchemes {
		t.Run(scheme, func(t *testing.T) {
			server := rtmptest.Server(t, testserver.Config{Scheme: scheme, Files: map[string][]byte{"a": a, "b": b}})
			for i := range n {
				o := &Options{TLSConfig: testserver.ClientTLS(), Timeout: 5 * time.Second, BackgroundRead: i%3 == 0}
				if i%4 == 1 {
					o.MaxQueue = 20_000
				}
				c := dialed(t, server.URL("vod", "a"), o)
				one, err := c.CreateStream(conntest.Context(t), nil)
				require.NoError(t, err)
				var wg sync.WaitGroup
				check := func(s *Stream, want []byte, mayClose bool) {
					var got bytes.Buffer
					buf := make([]byte, 1+rand.IntN(30000))
					closeAt := -1
					if mayClose && rand.IntN(2) == 0 {
						closeAt = rand.IntN(len(want))
					}
					for {
						if rand.IntN(3) == 0 {
							s.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(1000)) * time.Microsecond))
						} else {
							s.SetReadDeadline(time.Time{})
						}
						n, err := s.Read(buf)
						got.Write(buf[:n])
						if closeAt >= 0 && got.Len() > closeAt {
							s.Close()
							break
						}
						if err == io.EOF {
							if assert.True(t, bytes.Equal(want, got.Bytes()), "EOF with %d of %d", got.Len(), len(want)) {
								whole.Add(1)
							}
							s.Close()
							break
						}
						if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ErrStreamBacklog) {
							continue
						}
						if !assert.NoError(t, err) {
							break
						}
						if rand.IntN(8) == 0 {
							time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
						}
					}
					if !assert.True(t, bytes.HasPrefix(want, got.Bytes())) {
						return
					}
				}
				wg.Go(func() { check(one, a, true) })
				for range 3 {
					var two *Stream
					for {
						two, err = c.CreateStream(conntest.Context(t), &StreamOptions{Name: "b"})
						if !errors.Is(err, ErrStreamBacklog) {
							break
						}
						time.Sleep(3 * time.Millisecond)
					}
					if !assert.NoError(t, err) {
						break
					}
					check(two, b, true)
				}
				wg.Wait()
				c.Close()
				sessions.Add(1)
			}
		})
	}
	t.Logf("%d sessions, %d streams read to their end", sessions.Load(), whole.Load())
}

var _ net.Conn
