package rtmp

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// A program that tries again to open a stream while another's queue is full must not use up the server's streams.
func TestCreateStreamTriedAgainBesideBacklog(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"a": testserver.Sample}})
	c, s := playing(t, server.URL("vod", "a"), &Options{MaxQueue: 20_000, BackgroundRead: true})
	for c.client.Load().session.Blocked() == nil {
	}
	tries := 0
	for ; tries < 200; tries++ {
		_, err := c.CreateStream(context.Background(), nil)
		require.ErrorIs(t, err, ErrStreamBacklog)
	}
	for { // now the backlog is read
		b := make([]byte, 10000)
		_, err := s.Read(b)
		require.NoError(t, err)
		if c.client.Load().session.Blocked() == nil {
			break
		}
	}
	var err error
	for {
		_, err = c.CreateStream(context.Background(), nil)
		if !errors.Is(err, ErrStreamBacklog) {
			break
		}
		b := make([]byte, 100000)
		_, err := s.Read(b)
		require.NoError(t, err)
	}
	require.NoError(t, err)
}
