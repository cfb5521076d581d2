package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// instantServer is a tunnel server that answers at once. It answers each poll with the result of poll, and each send with the result of
// send.
type instantServer struct {
	polls int
	poll  func() []byte
	send  func() []byte // nil means nothing
	sends int
}

var errTooMany = errors.New("polled without a pause")

func (a *instantServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	body := []byte{1}
	switch {
	case strings.HasPrefix(r.URL.Path, "/open/"):
		body = []byte("session")
	case strings.HasPrefix(r.URL.Path, "/idle/"):
		if a.polls++; a.polls > 50_000 { // without pauses the loop would never end, since no time passes
			return nil, errTooMany
		}
		body = append(body, a.poll()...)
	case strings.HasPrefix(r.URL.Path, "/send/"):
		if a.sends++; a.sends > 50_000 {
			return nil, errTooMany
		}
		if a.send != nil {
			body = append(body, a.send()...)
		}
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// polled reads from a tunnel for a while, and returns the number of polls and of received bytes.
func polled(t *testing.T, d time.Duration, poll func() []byte) (polls, received int) {
	a := &instantServer{poll: poll}
	dialer, err := NewDialer(Config{HTTPClient: &http.Client{Transport: a}})
	require.NoError(t, err)
	nc, err := dialer.DialTunnel(t.Context(), "server:80", false)
	require.NoError(t, err)
	require.NoError(t, nc.SetReadDeadline(time.Now().Add(d)))
	for b := make([]byte, 64<<10); err == nil; {
		var n int
		n, err = nc.Read(b)
		received += n
	}
	require.NotErrorIs(t, err, errTooMany)
	require.NoError(t, nc.Close())
	return a.polls, received
}

// TestPollsForNextToNothing checks that there are pauses between polls if the answers contain very little data.
func TestPollsForNextToNothing(t *testing.T) {
	for _, size := range []int{1, 2, 30} {
		synctest.Test(t, func(t *testing.T) {
			polls, _ := polled(t, 10*time.Second, func() []byte { return make([]byte, size) })
			assert.Less(t, polls, 200, "answers of %d bytes", size)
		})
	}
}

// TestPollsForAStream checks that the client polls for a stream of low bit rate as often as its data requires, and for a stream of high bit
// rate without a pause.
func TestPollsForAStream(t *testing.T) {
	for _, rate := range []int{1_000, 8_000, 100_000} { // bytes per second
		synctest.Test(t, func(t *testing.T) {
			began, sent, longest, last := time.Now(), 0, time.Duration(0), time.Now()
			_, received := polled(t, 10*time.Second, func() []byte {
				due := int(time.Since(began).Seconds()*float64(rate)) - sent
				sent += due
				longest, last = max(longest, time.Since(last)), time.Now()
				return make([]byte, due)
			})
			assert.InDelta(t, 10*rate, received, float64(rate)/5)
			if rate > 1_000 {
				assert.LessOrEqual(t, longest, 2*minPoll, "%d bytes per second", rate)
			} else {
				assert.LessOrEqual(t, longest, 160*time.Millisecond, "%d bytes per second", rate)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		dialer, err := NewDialer(Config{HTTPClient: &http.Client{Transport: &instantServer{poll: func() []byte { return make([]byte, bulk) }}}})
		require.NoError(t, err)
		nc, err := dialer.DialTunnel(t.Context(), "server:80", false)
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, nc, 8<<20)
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), minPoll)
		require.NoError(t, nc.Close())
	})
}

// exchanged uses a tunnel for the duration d. The server's answers have answer bytes, and the client writes reply bytes after each.
// exchanged returns the number of requests.
func exchanged(t *testing.T, d time.Duration, answer, reply int) int {
	bring := func() []byte { return make([]byte, answer) }
	a := &instantServer{poll: bring, send: bring}
	dialer, err := NewDialer(Config{HTTPClient: &http.Client{Transport: a}})
	require.NoError(t, err)
	nc, err := dialer.DialTunnel(t.Context(), "server:80", false)
	require.NoError(t, err)
	until := time.Now().Add(d)
	for n := 0; err == nil && time.Now().Before(until) && n < 10_000; n++ {
		if _, err = io.ReadFull(nc, make([]byte, answer)); err == nil {
			_, err = nc.Write(make([]byte, reply))
		}
	}
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	return a.polls + a.sends
}

// TestPingsInEachAnswer checks that there are pauses between the requests if each answer contains a ping, which needs a reply. There must
// be no pauses between calls and their results.
func TestPingsInEachAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.Less(t, exchanged(t, 10*time.Second, 18, 18), 1500)
		assert.Less(t, exchanged(t, 10*time.Second, 1, 1), 1500)
	})
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		assert.GreaterOrEqual(t, exchanged(t, time.Second, 37, 42), 10_000)
		assert.LessOrEqual(t, time.Since(began), 5*minPoll, "calls wait for nothing")
	})
}

// TestWritesBesidePings checks that pings do not delay occasional writes, such as those of media in real time.
func TestWritesBesidePings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &instantServer{poll: func() []byte { return nil }, send: func() []byte { return make([]byte, 18) }}
		dialer, err := NewDialer(Config{HTTPClient: &http.Client{Transport: a}})
		require.NoError(t, err)
		nc, err := dialer.DialTunnel(t.Context(), "server:80", false)
		require.NoError(t, err)
		for n := range 1000 {
			_, err = nc.Write(make([]byte, 18))
			require.NoError(t, err)
			synctest.Wait()
			require.Equal(t, n+1, a.sends)
			time.Sleep(minPoll)
		}
		_, err = nc.Write(make([]byte, 18))
		require.NoError(t, err)
		synctest.Wait()
		_, err = nc.Write(make([]byte, 18))
		require.NoError(t, err)
		require.NoError(t, nc.Close(), "which sends what waits")
		assert.Equal(t, 1002, a.sends)
	})
}

// TestTunnelPollIsOneWrite checks that a request without data is sent with one write.
func TestTunnelPollIsOneWrite(t *testing.T) {
	var requests, writes atomic.Int64
	serve, accepted := handOver(t)
	polled := make(chan struct{}, 1)
	addr := serveTunnel(t, serve, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			assert.EqualValues(t, 1, r.ContentLength, "some servers refuse an empty body")
			if strings.HasPrefix(r.URL.Path, "/idle/") {
				select {
				case polled <- struct{}{}:
				default:
				}
			}
			next.ServeHTTP(w, r)
		})
	})
	client := dialTunnel(t, Config{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		return conntest.WriteCounter{Conn: nc, Writes: &writes}, err
	}}, addr)
	<-accepted
	<-polled
	<-polled
	require.NoError(t, client.Close())
	assert.Equal(t, requests.Load(), writes.Load())
}
