package download

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// TestTargetAfterAMove checks that a download keeps its start and its pipelining when the server asks it to connect elsewhere: the options
// for the new connection are those of the last session.
func TestTargetAfterAMove(t *testing.T) {
	before, err := newTarget("rtmp://server/app/name start=1000", &rtmp.Options{Pipelining: rtmp.PipelineHandshake})
	require.NoError(t, err)
	last := rtmp.Options{Start: 5 * time.Second, Stop: time.Minute, Pipelining: rtmp.PipelineNone}
	after := before.moved(&reconnect.Moved{URL: "rtmp://other/", Options: &last})
	assert.Equal(t, "rtmp://other/", after.url)
	assert.Equal(t, rtmp.Options{Start: time.Second, Stop: time.Minute, Pipelining: rtmp.PipelineHandshake}, after.options)
}
