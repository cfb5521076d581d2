package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	goleak.VerifyTestMain(m)
}

// A source that nobody publishes has not lived, although servers send |RtmpSampleAccess at once.
func TestSourceWithoutMediaHasNotLived(t *testing.T) {
	for _, media := range []bool{false, true} {
		playing := make(chan struct{}, 1)
		server, err := testserver.Start(testserver.Config{OnMessage: func(_ *testserver.Session, m *chunk.Message) {
			if message.Type(m.Type) != message.TypeUserControl {
				return
			}
			u, err := message.ParseUserControl(m.Body())
			if err == nil && u.Event == message.EventSetBufferLength && u.Value != 0 { // comes behind play
				playing <- struct{}{}
			}
		}})
		require.NoError(t, err)
		defer server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		publisher, err := rtmp.Dial(ctx, server.URL("live", "cam"), &rtmp.Options{Publish: true})
		require.NoError(t, err)
		stream, err := publisher.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
		require.NoError(t, err)
		lived := make(chan bool, 1)
		go func() {
			alive, err := pull(ctx, server.URL("live", "cam"), rtmp.Options{}, new(clock), nil)
			assert.ErrorIs(t, err, io.EOF)
			lived <- alive
		}()
		<-playing
		if media {
			require.NoError(t, stream.WritePacket(&rtmp.Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1, 1}}))
		}
		require.NoError(t, publisher.Close())
		assert.Equal(t, media, <-lived)
	}
}

// writerFunc is called with each line of the log.
type writerFunc func(b []byte) (int, error)

func (w writerFunc) Write(b []byte) (int, error) { return w(b) }

// A log is shown to others than the owner of the keys.
func TestLogHoldsNoSecrets(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	log.SetOutput(writerFunc(func(b []byte) (int, error) { cancel(); return out.Write(b) }))
	defer log.SetOutput(io.Discard)
	again(ctx, "rtmp://me:secret@host/live/secret?token=secret conn=S:secret",
		func(context.Context) (bool, error) { return false, errors.New("lost") })
	assert.Contains(t, out.String(), "rtmp://host/live: lost")
	assert.NotContains(t, out.String(), "secret")
}
