package rtmp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

// However far down an error comes from, its text says rtmp once.
func TestErrorsHaveOnePrefix(t *testing.T) {
	server, err := testserver.Start(testserver.Config{})
	require.NoError(t, err)
	defer server.Close()
	c := dialed(t, server.URL("live", "x"), nil)
	_, notFound := c.CreateStream(testContext(t), &StreamOptions{Name: "nosuch", Seek: 1})
	ended, cancel := context.WithCancel(testContext(t))
	cancel()
	_, cancelled := c.CreateStream(ended, nil)
	_, writer := publishing(t, server.URL("live", "y"), nil)
	_, taken := dialed(t, server.URL("live", "y"), nil).CreateStream(testContext(t), &StreamOptions{Writable: true})
	o, err := c.SharedObject(testContext(t), "o", false)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	for name, err := range map[string]error{"not found": notFound, "cancelled": cancelled, "taken": taken,
		"closed": o.Set(testContext(t), "a", 1), "not readable": writer.ReadPacket(new(Packet))} {
		if assert.Error(t, err, name) {
			assert.Equal(t, 1, strings.Count(err.Error(), "rtmp:"), err)
		}
	}
}

// "Text has one prefix."
func TestErrorsOfSilenceHaveOnePrefix(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.accept(); p.untilGone() })
	c := dialed(t, url, &Options{Timeout: 50 * time.Millisecond})
	_, err := c.SharedObject(context.Background(), "so", false)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp: "), err.Error())
	_, err = c.CreateStream(context.Background(), nil)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp: "), err.Error())
}
