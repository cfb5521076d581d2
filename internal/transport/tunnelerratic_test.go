package transport

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const period = 65521

var sequence = bytes.Repeat(noise(1, period), 17)

// pattern returns n bytes, at most a million, of an endless sequence from a position on. The caller must not modify them.
func pattern(from, n int) []byte {
	from %= period
	return sequence[from : from+n]
}

// follower checks that what is written to it is the pattern.
type follower struct {
	n     int // bytes so far
	wrong bool
}

func (f *follower) Write(b []byte) (int, error) {
	f.wrong = f.wrong || !bytes.Equal(b, pattern(f.n, len(b)))
	f.n += len(b)
	return len(b), nil
}

// erraticServer is a tunnel server that answers some requests incorrectly, late or slowly. Each direction of the tunnel carries a pattern.
type erraticServer struct {
	random   *rand.Rand
	body     bytes.Buffer // of the last request
	received follower     // the bodies of the sends that were answered correctly
	sent     int          // bytes in the correct answers
	ended    bool         // the last correct answer has announced the end
	failed   string       // path of the request that was answered incorrectly
}

// slowBody returns a few bytes at a time, each after a pause, and then the error.
type slowBody struct {
	ctx   context.Context
	rest  []byte
	pause time.Duration
	err   error
}

func (b *slowBody) Read(p []byte) (int, error) {
	if err := pauseFor(b.ctx, b.pause); err != nil {
		return 0, err
	}
	if len(b.rest) == 0 {
		return 0, b.err
	}
	n := copy(p[:min(len(p), 700)], b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *slowBody) Close() error { return nil }

func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *erraticServer) RoundTrip(r *http.Request) (*http.Response, error) {
	e.body.Reset()
	e.body.ReadFrom(r.Body)
	r.Body.Close()
	b := &slowBody{ctx: r.Context(), err: io.EOF}
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: b}
	if strings.HasPrefix(r.URL.Path, "/open/") {
		b.rest = []byte("session\n")
		return answer, nil
	}
	if e.random.IntN(4) == 0 {
		if err := pauseFor(r.Context(), time.Duration(e.random.IntN(3000))*time.Millisecond); err != nil {
			return nil, err
		}
	}
	n := 0
	if e.random.IntN(2) == 0 {
		n = e.random.IntN([]int{10, 1000, 200_000}[e.random.IntN(3)])
	}
	b.rest = append([]byte{[]byte{1, 1, 1, 0, 33, 255}[e.random.IntN(6)]}, pattern(e.sent, n)...)
	if e.random.IntN(5) == 0 {
		b.pause = time.Duration(e.random.IntN(300)) * time.Millisecond
	}
	if e.random.IntN(20) == 0 {
		e.failed = r.URL.Path
		return e.wrongly(answer, b)
	}
	e.ended = n == 0 && b.rest[0] == 0
	if strings.HasPrefix(r.URL.Path, "/send/") {
		e.body.WriteTo(&e.received)
	}
	e.sent += n
	return answer, nil
}

// wrongly makes an answer incorrect.
func (e *erraticServer) wrongly(answer *http.Response, b *slowBody) (*http.Response, error) {
	switch e.random.IntN(6) {
	case 0:
		return nil, io.ErrUnexpectedEOF
	case 1:
		answer.StatusCode = []int{204, 302, 400, 401, 404, 410, 503}[e.random.IntN(7)]
	case 2:
		answer.Header.Set("Content-Type", "text/html")
	case 3:
		b.rest = nil
	case 4:
		b.rest, b.err = b.rest[:e.random.IntN(len(b.rest))], io.ErrUnexpectedEOF
	case 5:
		b.rest, b.pause = nil, time.Hour // silence
	}
	return answer, nil
}

// TestErraticTunnelServers checks a tunnel whose server answers incorrectly at some time. The bytes must be in order. The tunnel must
// report only bytes that have arrived as acknowledged, and must end with io.EOF only if all have arrived. Close must end in time.
func TestErraticTunnelServers(t *testing.T) {
	seeds := uint64(100)
	if os.Getenv("RTMP_LONG") != "" {
		seeds = 5000
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			e := &erraticServer{random: rand.New(rand.NewPCG(seed, 1))}
			d, err := NewDialer(Config{HTTPClient: &http.Client{Transport: e}})
			require.NoError(t, err)
			nc, err := d.DialTunnel(t.Context(), "server:80", false)
			require.NoError(t, err)
			written := make(chan int)
			go func() { written <- writePattern(nc, rand.New(rand.NewPCG(seed, 2))) }()
			nc.SetReadDeadline(time.Now().Add(2 * time.Minute))
			var in follower
			_, readErr := io.Copy(&in, nc)
			n := <-written
			began := time.Now()
			require.NoError(t, nc.Close())
			assert.LessOrEqual(t, time.Since(began), tunnelCloseTimeout)
			assert.False(t, in.wrong, "seed %d: what was read", seed)
			assert.False(t, e.received.wrong, "seed %d: what was sent", seed)
			assert.LessOrEqual(t, e.received.n, n, "seed %d: what was sent", seed)
			unacknowledged, _ := Unacknowledged(nc)
			assert.LessOrEqual(t, n-unacknowledged, e.received.n, "seed %d: what was acknowledged", seed)
			if readErr == nil {
				assert.GreaterOrEqual(t, in.n, e.sent, "seed %d: what was read before the end", seed)
				assert.Equal(t, n, e.received.n, "seed %d: what was sent before the end", seed)
				assert.True(t, e.ended || e.failed == "" || strings.HasPrefix(e.failed, "/close/"), "seed %d: an orderly end after %s", seed, e.failed)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// writePattern writes a pattern with pauses, until an error or for at most a minute. It returns the number of bytes written.
func writePattern(nc net.Conn, random *rand.Rand) (n int) {
	nc.SetWriteDeadline(time.Now().Add(time.Minute))
	out, pause := pattern(0, 1_000_000), time.Duration(random.IntN(100))*time.Millisecond
	for n < len(out) {
		m, err := nc.Write(out[n:min(len(out), n+1+random.IntN(50_000))])
		if n += m; err != nil {
			return n
		}
		time.Sleep(pause)
	}
	if random.IntN(2) == 0 {
		nc.(*tunnel).CloseWrite()
	}
	return n
}
