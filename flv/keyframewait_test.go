package flv_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
)

func TestKeyFrameWait(t *testing.T) {
	tracks := []uint8{0, 1, 63, 64, 65, 127, 128, 255}
	for _, one := range tracks {
		var lost, all flv.KeyFrameWait
		lost.Lost(one)
		all.All()
		assert.True(t, all.Accept(flv.KindKeyFrame, one))
		for _, track := range tracks {
			assert.Equal(t, track != one, lost.Accept(flv.KindFrame, track), "%d when %d was lost", track, one)
			assert.Equal(t, track == one, all.Accept(flv.KindFrame, track), "%d after a key frame of %d", track, one)
		}
		for _, kind := range []flv.Kind{flv.KindHeader, flv.KindData, flv.KindAudio} {
			assert.True(t, all.Accept(kind, 65), kind)
		}
		assert.Equal(t, one == 65, all.Accept(flv.KindFrame, 65), "only a key frame ends the wait")
	}
}
