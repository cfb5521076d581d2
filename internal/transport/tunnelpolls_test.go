package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// instantServer is a server of tunnels that takes no time: each poll brings what it returns.
type instantServer struct {
	polls int
	poll  func() []byte
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
		if a.polls++; a.polls > 50_000 { // in no time at all: it would never end
			return nil, errTooMany
		}
		body = append(body, a.poll()...)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// polled reads from a tunnel for a while and returns how many polls that took, and how many bytes came.
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

// Answers that hold next to nothing are not worth asking for without a pause.
func TestPollsForNextToNothing(t *testing.T) {
	for _, size := range []int{1, 2, 30} {
		synctest.Test(t, func(t *testing.T) {
			polls, _ := polled(t, 10*time.Second, func() []byte { return make([]byte, size) })
			assert.Less(t, polls, 200, "answers of %d bytes", size)
		})
	}
}

// A stream, however thin, is asked for as it comes, and a thick one without a pause.
func TestPollsForAStream(t *testing.T) {
	for _, rate := range []int{1_000, 8_000, 100_000} { // bytes a second
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
				assert.LessOrEqual(t, longest, 2*minPoll, "%d bytes a second", rate)
			} else {
				assert.LessOrEqual(t, longest, 160*time.Millisecond, "%d bytes a second", rate)
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
