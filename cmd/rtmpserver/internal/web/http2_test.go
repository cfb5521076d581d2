package web_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/server"
)

// TestViewersOfOneHTTP2Connection checks that viewers that share a connection do not affect each other. Some read everything, some leave,
// and some read nothing. Those that read nothing must be disconnected.
func TestViewersOfOneHTTP2Connection(t *testing.T) {
	const readers, leavers, sleepers = 10, 10, 2
	s := &server.Server{WriteTimeout: 2 * time.Second, Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}
	defer s.Close()
	w := httptest.NewUnstartedServer(web.New(web.Options{Server: s}))
	w.EnableHTTP2 = true
	w.StartTLS()
	defer w.Close()
	p, err := s.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	const size = 30 << 10
	pictures := newPictures(t, p, size)
	pictures.write(5)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	view := func(ctx context.Context) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/fmp4/live/x.mp4", nil)
		require.NoError(t, err)
		response, err := w.Client().Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { response.Body.Close() })
		require.Equal(t, 2, response.ProtoMajor)
		require.Equal(t, http.StatusOK, response.StatusCode)
		return response
	}
	var reading sync.WaitGroup
	files := make([][]byte, readers)
	pace := &progress{more: make(chan struct{}, 1)} // of the first reader
	for i := range files {
		var body io.Reader = view(ctx).Body
		if i == 0 {
			body = io.TeeReader(body, pace)
		}
		reading.Go(func() {
			var err error
			files[i], err = io.ReadAll(body)
			assert.NoError(t, err)
		})
	}
	for range sleepers {
		view(ctx)
	}
	for range leavers {
		leaving, leave := context.WithCancel(ctx)
		body := view(leaving).Body
		reading.Go(func() {
			io.CopyN(io.Discard, body, 100<<10)
			leave()
			_, err := io.Copy(io.Discard, body)
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	players := func() int {
		for _, one := range s.Stats().Streams {
			return one.Players
		}
		return 0
	}
	const ahead = 20 // pictures that the first reader may be behind
	for n := 0; players() > readers && ctx.Err() == nil; n++ {
		pictures.write(1)
		pace.wait(ctx, int64(n-ahead)*size)
	}
	assert.Equal(t, readers, players(), "the others have gone")
	pictures.write(25 - pictures.n%10) // the last picture is not a key frame
	require.NoError(t, p.Close())
	reading.Wait()
	last := binary.BigEndian.AppendUint32([]byte{0x41}, uint32(pictures.n-1))
	for _, file := range files {
		assert.True(t, bytes.Contains(file, last), "the last picture has arrived")
	}
}

// progress counts the bytes that are written to it.
type progress struct {
	bytes atomic.Int64
	more  chan struct{}
}

func (p *progress) Write(b []byte) (int, error) {
	p.bytes.Add(int64(len(b)))
	session.Signal(p.more)
	return len(b), nil
}

// wait waits until n bytes have been written.
func (p *progress) wait(ctx context.Context, n int64) {
	for p.bytes.Load() < n && ctx.Err() == nil {
		select {
		case <-p.more:
		case <-ctx.Done():
		}
	}
}
