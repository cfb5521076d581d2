package web_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
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
	pictures := newPictures(t, p, 30<<10)
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
	for i := range files {
		body := view(ctx).Body
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
	for players() > readers && ctx.Err() == nil {
		pictures.write(1)
		time.Sleep(5 * time.Millisecond) // so that the readers need not be fast
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
