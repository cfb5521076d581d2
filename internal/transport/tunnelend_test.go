package transport

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTunnelEndsBeforeItHasEverything checks a request that the server refuses after it has announced the end of the session. The end is
// orderly only if no written bytes are lost.
func TestTunnelEndsBeforeItHasEverything(t *testing.T) {
	const first, second = 1000, 2000
	for _, lost := range []bool{false, true} {
		arrived, answer := make(chan struct{}), make(chan struct{})
		ended := false // there is one request at a time, so no lock is needed
		nc := dialTunnel(t, Config{}, serveTunnel(t, echo, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case ended:
					answers(http.StatusNotFound, "text/html", "")(w, r)
				case r.ContentLength == first:
					ended = true
					close(arrived)
					<-answer
					answers(http.StatusOK, fcs, "\x00")(w, r)
				default:
					next.ServeHTTP(w, r)
				}
			})
		}))
		_, err := nc.Write(make([]byte, first))
		require.NoError(t, err)
		<-arrived
		n, known := Unacknowledged(nc)
		assert.True(t, known)
		assert.Equal(t, first, n, "it is not answered yet")
		if lost {
			_, err = nc.Write(make([]byte, second))
			require.NoError(t, err)
			n, _ = Unacknowledged(nc)
			assert.Equal(t, first+second, n)
		}
		close(answer)
		_, err = nc.Read(make([]byte, 1))
		n, _ = Unacknowledged(nc)
		if lost {
			isTunnelError(t, err, "send", http.StatusNotFound, "Not Found")
			assert.Equal(t, second, n)
			continue
		}
		assert.Equal(t, io.EOF, err)
		assert.Zero(t, n)
	}
}
