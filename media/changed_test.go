package media

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConfigurationsFollowChanged checks that a program that copies a track's configuration whenever Unit.Changed is set has the right one
// for every unit, whether or not it has called Tracks.
func TestConfigurationsFollowChanged(t *testing.T) {
	for name, ask := range map[string]int{"Read alone": 0, "Tracks first": 1, "Tracks twice": 2} {
		t.Run(name, func(t *testing.T) {
			var r recorder
			video, audio := &Track{Codec: H264, ParameterSets: avcSets}, &Track{Codec: AAC, Config: unhex("1210")}
			w := NewWriter(&r, video, audio)
			write := func() {
				require.NoError(t, w.WriteMPEG4Audio(audio, 0, []byte{1}))
				require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
			}
			write()
			write()
			audio.Config, video.ParameterSets = unhex("1208"), avcSets2
			write()
			write()

			reader := NewReader(&r)
			for range ask {
				_, err := reader.Tracks(context.Background())
				require.NoError(t, err)
			}
			configs := map[*Track][]byte{}
			var changed []bool
			var u Unit
			for reader.Read(&u) == nil {
				if u.Changed {
					configs[u.Track] = u.Track.Config
				}
				require.Equal(t, u.Track.Config, configs[u.Track])
				changed = append(changed, u.Changed)
			}
			require.Equal(t, io.EOF, reader.Read(&u))
			assert.Equal(t, []bool{true, true, false, false, true, true, false, false}, changed)
		})
	}
}
