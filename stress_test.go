package rtmp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func echoServer(t testing.TB) *testserver.Server {
	t.Helper()
	s := rtmptest.Server(t, testserver.Config{Handlers: rtmptest.Echo})
	return s
}

// Sixty-four goroutines make a thousand calls each, and give up waiting for some at random moments: every answer reaches
// its own caller, and the connection works afterwards.
func TestManyCallsWithCancellation(t *testing.T) {
	const callers, each = 64, 1000
	c := dialed(t, echoServer(t).URL("app", ""), nil)
	var calling sync.WaitGroup
	var mu sync.Mutex
	cancelled := 0
	for caller := range callers {
		random := rand.New(rand.NewPCG(1, uint64(caller)))
		calling.Go(func() {
			for n := range each {
				want := float64(caller*each + n)
				k, err := c.Call(context.Background(), "echo", want)
				if !assert.NoError(t, err) {
					return
				}
				ctx, cancel := context.WithCancel(context.Background())
				if random.IntN(4) == 0 {
					if random.IntN(2) == 0 {
						cancel()
					} else {
						go cancel()
					}
				}
				got, err := k.Result(ctx)
				cancel()
				if errors.Is(err, context.Canceled) {
					mu.Lock()
					cancelled++
					mu.Unlock()
					if random.IntN(2) == 0 { // whoever still wants it can have it
						got, err = k.Result(context.Background())
					} else {
						continue
					}
				}
				if !assert.NoError(t, err) || !assert.Equal(t, want, got) {
					return
				}
			}
		})
	}
	calling.Wait()
	assert.Positive(t, cancelled)
	got, err := c.RemoteMethod("echo")(conntest.Context(t), "afterwards")
	require.NoError(t, err)
	assert.Equal(t, "afterwards", got)
	assert.Zero(t, c.client.Load().session.PendingCalls(), "every answer was taken")
}

// BenchmarkCall is one call and its answer at a time, beside as many bytes to and fro on a bare connection.
func BenchmarkCall(b *testing.B) {
	b.Run("call", func(b *testing.B) {
		c, err := Dial(b.Context(), echoServer(b).URL("app", ""), nil)
		require.NoError(b, err)
		defer c.Close()
		echo := c.RemoteMethod("echo")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := echo(b.Context(), 1.0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		defer l.Close()
		const request, answer = 41, 44 // bytes of the messages above
		go func() {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			defer nc.Close()
			in, out := bufio.NewReader(nc), make([]byte, answer)
			for {
				if _, err := io.ReadFull(in, make([]byte, request)); err != nil {
					return
				}
				nc.Write(out)
			}
		}()
		nc, err := net.Dial("tcp", l.Addr().String())
		require.NoError(b, err)
		defer nc.Close()
		in, out, back := bufio.NewReader(nc), make([]byte, request), make([]byte, answer)
		b.ReportAllocs()
		for b.Loop() {
			nc.Write(out)
			if _, err := io.ReadFull(in, back); err != nil {
				b.Fatal(fmt.Errorf("bare: %w", err))
			}
		}
	})
}
