package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strings"
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
			if err == nil && u.Event == message.EventSetBufferLength && u.Value != 0 { // comes after play
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

// A log is shown to others than the owner of the keys, and tells targets on one server apart.
func TestLogHoldsNoSecrets(t *testing.T) {
	const host = "rtmp://me:secret@127.0.0.1:1/live/secret"
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer // the log writes one line after the other
	seen := map[string]bool{}
	log.SetFlags(0)
	log.SetOutput(writerFunc(func(b []byte) (int, error) {
		name, _, _ := strings.Cut(string(b), ": ")
		if seen[name] = true; len(seen) == 3 {
			cancel()
		}
		return out.Write(b)
	}))
	defer log.SetOutput(io.Discard)
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("lost") }
	run(ctx, host+"?token=secret conn=S:secret", []string{host + "1", host + "2"}, rtmp.Options{DialContext: refuse})
	assert.Equal(t, map[string]bool{"rtmp://127.0.0.1:1/live": true, "target 1, rtmp://127.0.0.1:1/live": true, "target 2, rtmp://127.0.0.1:1/live": true}, seen)
	assert.NotContains(t, out.String(), "secret")
}

// Options after the URLs were tried as URLs for ever.
func TestArgumentsAreCheckedFirst(t *testing.T) {
	const good = "rtmp://127.0.0.1/live/secret"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{good, good + " live=1"}, ""},
		{[]string{good, "-timeout", "2s"}, "options must precede the URLs"},
		{[]string{"http://127.0.0.1/live", good}, "scheme"},
		{[]string{good, "rtmp://"}, "host"},
	} {
		err := check(c.args, rtmp.Options{})
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "secret")
	}
}
