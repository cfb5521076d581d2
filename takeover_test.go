package rtmp

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// lockedBuffer is a buffer for a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.b.Bytes(), []byte(text))
}

// TestTakeoverDuringClose checks that a publisher which another one replaces while it is closing learns that: the server may have dropped its
// last media. The client closes its side of the connection without waiting for an answer, so the server must send the status after that.
func TestTakeoverDuringClose(t *testing.T) {
	var log lockedBuffer
	s := &server.Server{Apps: map[string]*server.App{"live": {}}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	l := conntest.Listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() {
		s.Close()
		<-served
	}()
	ctx := conntest.Context(t)
	taken := 0
	for n := range 200 {
		url := fmt.Sprintf("rtmp://%s/live/name%d-", l.Addr(), n)
		first, stream := publishing(t, url, &Options{Publish: true})
		require.NoError(t, stream.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1, 1}}))
		second := dialed(t, url, &Options{Publish: true})
		var taking sync.WaitGroup
		taking.Go(func() {
			_, err := second.CreateStream(ctx, &StreamOptions{Writable: true})
			assert.NoError(t, err)
		})
		for range n % 16 {
			stream.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1, 1}})
		}
		err := first.Close()
		taking.Wait()
		assert.NoError(t, second.Close())
		var refused *StatusError
		if errors.As(err, &refused) {
			taken++ // the server logs the reason after it has told the client
			continue
		}
		assert.NoError(t, err)
		assert.False(t, log.contains(fmt.Sprintf(`stream=live/name%d- reason="another publisher has taken over"`, n)), n)
	}
	t.Log(taken, "takeovers")
}
