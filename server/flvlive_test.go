package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// whole is a ResponseWriter that hides all methods of another one except those of http.ResponseWriter.
type whole struct{ http.ResponseWriter }

// TestHTTPFLVLiveWays checks that a viewer gets the whole live stream and the end of the response, on every kind of connection.
func TestHTTPFLVLiveWays(t *testing.T) {
	for name, start := range map[string]func(w *httptest.Server){
		"HTTP": (*httptest.Server).Start, "HTTPS": (*httptest.Server).StartTLS,
		"HTTP/2": func(w *httptest.Server) {
			w.EnableHTTP2 = true
			w.StartTLS()
		},
		"behind a middleware": func(w *httptest.Server) {
			below := w.Config.Handler
			w.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { below.ServeHTTP(whole{rw}, r) })
			w.Start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			stopped := make(chan server.StreamStats, 1)
			s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1},
				Stop: func(r *server.Request, st server.StreamStats) { stopped <- st }}}}
			w := httptest.NewUnstartedServer(s.FLVHandler())
			start(w)
			defer w.Close()
			defer s.Close()
			pub, err := s.Publish(background(t), "live/x")
			require.NoError(t, err)
			all := media(sample(t))
			write := func(tags []flv.Tag) {
				for _, tag := range tags {
					require.NoError(t, pub.WritePacket(&message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
				}
			}
			write(all[:10])
			client := w.Client()
			res, err := client.Get(w.URL + "/live/x.flv")
			require.NoError(t, err)
			defer res.Body.Close()
			write(all[10:])
			require.NoError(t, pub.Close())
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			assert.Equal(t, all, media(tags(t, body)))
			st := waitFor(t, "Stop", stopped)
			assert.Positive(t, st.BytesOut)
			assert.Zero(t, st.Missed)
			eventually(t, "the viewer has gone", func() bool { return s.Stats().Conns == 0 })
		})
	}
}

// TestHTTPFLVLiveEnds checks that Close disconnects viewers, and that WriteTimeout disconnects those that do not read.
func TestHTTPFLVLiveEnds(t *testing.T) {
	s := &server.Server{WriteTimeout: 50 * time.Millisecond}
	url := web(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	_, err = pub.Write(testserver.Sample)
	require.NoError(t, err)
	view(t, url+"/live/x.flv")
	ctx, cancel := context.WithTimeout(background(t), patience)
	defer cancel()
	for at := uint32(20_000); s.Stats().Conns > 0; at += 40 {
		require.NoError(t, ctx.Err(), "it is still there")
		require.NoError(t, pub.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: at, Body: append([]byte{0x17, 1, 0, 0, 0}, make([]byte, 100_000)...)}))
	}
	res := view(t, url+"/live/x.flv")
	require.NoError(t, s.Close())
	_, err = io.Copy(io.Discard, res.Body)
	assert.Error(t, err, "the stream has not ended")
}
