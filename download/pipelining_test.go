package download

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestStreamIsAskedForOnce checks that with pipelining a download requests its stream once, from the right position.
func TestStreamIsAskedForOnce(t *testing.T) {
	for name, o := range map[string]*Options{
		"from the beginning": {},
		"from later":         {RTMP: &rtmp.Options{Start: 3*time.Second + 999*time.Microsecond}},
		"up to":              {RTMP: &rtmp.Options{Stop: 4 * time.Second}},
		"at once":            {RTMP: &rtmp.Options{Pipelining: rtmp.PipelineHandshake}},
		"in order":           {NoPipelining: true},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var commands []string
			s := rtmptest.Server(t, testserver.Config{OnMessage: func(_ *testserver.Session, m *chunk.Message) {
				if cmd, err := message.ParseCommand(message.Type(m.Type), m.Body()); err == nil && message.Type(m.Type) == message.TypeCommandAMF0 {
					mu.Lock()
					defer mu.Unlock()
					commands = append(commands, cmd.Name)
				}
			}})
			_, err := File(conntest.Context(t), s.URL("vod", "sample"), filepath.Join(t.TempDir(), "file.flv"), o)
			require.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			require.GreaterOrEqual(t, len(commands), 3)
			assert.Equal(t, []string{"connect", "createStream", "play"}, commands[:3])
			assert.NotContains(t, commands[3:], "createStream")
			assert.NotContains(t, commands[3:], "play")
		})
	}
}

func TestPipeliningIsGivenUp(t *testing.T) {
	d, err := newDownload("rtmp://server/app/name", nil)
	require.NoError(t, err)
	assert.Equal(t, rtmp.PipelineCommands, d.target.options.Pipelining)
	d, err = newDownload("rtmp://server/app/name", &Options{RTMP: &rtmp.Options{Pipelining: rtmp.PipelineHandshake}})
	require.NoError(t, err)
	d.target.reducePipelining(1)
	assert.Equal(t, rtmp.PipelineCommands, d.target.options.Pipelining)
	d.target.reducePipelining(0)
	assert.Equal(t, rtmp.PipelineCommands, d.target.options.Pipelining)
	d.target.reducePipelining(3)
	assert.Equal(t, rtmp.PipelineNone, d.target.options.Pipelining)
}
