package download

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// TestFlagsOfRTMPDump has what the original rtmpdump writes for a live stream of audio and video that begins at 100 s.
func TestFlagsOfRTMPDump(t *testing.T) {
	both := amf.Object{{Name: "videocodecid", Value: 7.0}, {Name: "audiocodecid", Value: 10.0}}
	for name, test := range map[string]struct {
		metadata any
		time     uint32
		start    time.Duration
		want     flv.FileHeader
	}{
		"no names":               {amf.Object{{Name: "video", Value: 1.0}, {Name: "duration", Value: 1.0}}, 0, 0, flv.FileHeader{HasVideo: true}},
		"no names, late":         {amf.Object{}, 100_000, 0, flv.FileHeader{}},
		"an object":              {both, 0, 0, flv.FileHeader{HasAudio: true, HasVideo: true}},
		"an object, late":        {both, 100_000, 0, flv.FileHeader{HasAudio: true, HasVideo: true}},
		"an object in an object": {amf.Object{{Name: "x", Value: both}}, 100_000, 0, flv.FileHeader{HasAudio: true, HasVideo: true}},
		"an ECMA array":          {amf.ECMAArray(both), 0, 0, flv.FileHeader{HasVideo: true}},
		"an object, and Start":   {both, 100_000, time.Second, flv.FileHeader{}},
		"an ECMA array, late":    {amf.ECMAArray(both), 100_000, 0, flv.FileHeader{}},
	} {
		var file bytes.Buffer
		o := newOutput(&file, 0)
		o.dumpFlags, o.dumpStart = true, test.start
		metadata, err := flv.AppendScript(nil, "onMetaData", test.metadata)
		require.NoError(t, err)
		for _, tag := range []flv.Tag{
			{Type: flv.TagScript, Timestamp: test.time, Body: metadata},
			{Type: flv.TagVideo, Timestamp: 100_000, Body: []byte{0x17, 0, 0, 0, 0, 1}},
			{Type: flv.TagAudio, Timestamp: 100_000, Body: []byte{0xaf, 0, 0x12, 0x10}},
		} {
			require.NoError(t, o.write(tag, nil))
		}
		require.NoError(t, o.finish())
		header, _, err := flv.ParseFileHeader(file.Bytes())
		require.NoError(t, err)
		assert.Equal(t, test.want, header, name)
	}
}
