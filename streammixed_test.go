package rtmp

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestTwoStreams reads two streams of one connection at random speeds, and closes one of them. Each stream must receive its own bytes.
func TestTwoStreams(t *testing.T) {
	n := repetitions(2)
	a, b := shortSample(t, 60_000), testserver.Sample[:]
	var sessions, whole atomic.Int64
	for _, scheme := range sixSchemes {
		t.Run(scheme, func(t *testing.T) {
			server := rtmptest.Server(t, testserver.Config{Scheme: scheme, Files: map[string][]byte{"a": a, "b": b}})
			for i := range n {
				o := &Options{TLSConfig: testserver.ClientTLS(), Timeout: patience, BackgroundRead: i%3 == 0}
				if i%4 == 1 {
					o.MaxQueue = 20_000
				}
				c := dialed(t, server.URL("vod", "a"), o)
				one, err := c.CreateStream(conntest.Context(t), nil)
				require.NoError(t, err)
				var wg sync.WaitGroup
				reads := make(chan struct{}, 1) // signalled after each read and each Close
				check := func(s *Stream, want []byte, mayClose bool) {
					defer session.Signal(reads)
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
						session.Signal(reads)
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
							for range rand.IntN(300) {
								runtime.Gosched()
							}
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
						<-reads
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
