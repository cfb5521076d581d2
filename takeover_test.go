package rtmp

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestTakeoverDuringClose checks that a publisher which another one replaces while it is closing gets the server's reason, also if the server
// hangs up at once, or no error if the server has received everything before.
func TestTakeoverDuringClose(t *testing.T) {
	s := &server.Server{Apps: map[string]*server.App{"live": {}}}
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
			taken++
			continue
		}
		assert.NoError(t, err)
	}
	t.Log(taken, "takeovers")
}
