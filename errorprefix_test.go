package rtmp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// However far down an error comes from, its text says rtmp once.
func TestErrorsHaveOnePrefix(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{})
	c := dialed(t, server.URL("live", "x"), nil)
	_, notFound := c.CreateStream(conntest.Context(t), &StreamOptions{Name: "nosuch", Seek: 1})
	ended, cancel := context.WithCancel(conntest.Context(t))
	cancel()
	_, cancelled := c.CreateStream(ended, nil)
	_, writer := publishing(t, server.URL("live", "y"), nil)
	_, taken := dialed(t, server.URL("live", "y"), nil).CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	o, err := c.SharedObject(conntest.Context(t), "o", false)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	for name, err := range map[string]error{"not found": notFound, "cancelled": cancelled, "taken": taken,
		"closed": o.Set(conntest.Context(t), "a", 1), "not readable": writer.ReadPacket(new(Packet))} {
		if assert.Error(t, err, name) {
			assert.Equal(t, 1, strings.Count(err.Error(), "rtmp:"), err)
		}
	}
}

// "Text has one prefix."
func TestErrorsOfSilenceHaveOnePrefix(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	c := dialed(t, url, &Options{Timeout: 50 * time.Millisecond})
	_, err := c.SharedObject(context.Background(), "so", false)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp: "), err.Error())
	_, err = c.CreateStream(context.Background(), nil)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp: "), err.Error())
}
