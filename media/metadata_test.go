package media

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

func TestHint(t *testing.T) {
	property := func(name string, v any) amf.Property { return amf.Property{Name: name, Value: v} }
	for _, test := range []struct {
		name       string
		properties amf.ECMAArray
		want       hint
	}{
		{"nothing", nil, hint{}},
		{"one of each", amf.ECMAArray{property("videocodecid", 7.0), property("width", 640.0), property("height", 360.0), property("audiocodecid", 10.0),
			property("audiosamplerate", 48000.0), property("audiochannels", 6.0)},
			hint{video: 1, width: 640, height: 360, audio: 1, rate: 48000, channels: 6}},
		{"the largest numbers", amf.ECMAArray{property("width", 1048576.0), property("height", 1048577.0), property("audiochannels", 0.0)},
			hint{video: 1, width: 1 << 20}},
		{"stereo", amf.ECMAArray{property("stereo", true)}, hint{channels: 2}},
		{"not stereo", amf.ECMAArray{property("stereo", false)}, hint{}},
		{"six channels, and stereo", amf.ECMAArray{property("audiochannels", 6.0), property("stereo", true)}, hint{channels: 6}},
		{"more tracks", amf.ECMAArray{property("videocodecid", 7.0), property("videoTrackIdInfoMap", amf.Object{property("1", nil), property("2", nil)}),
			property("audioTrackIdInfoMap", amf.Object{property("1", nil)})}, hint{video: 3, audio: 1}},
		{"impossible", amf.ECMAArray{property("width", -1.0), property("height", "360")}, hint{video: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, err := flv.AppendScript(nil, "onMetaData", test.properties)
			require.NoError(t, err)
			for _, p := range []message.Packet{{Type: message.TypeDataAMF0, Body: body}, {Type: message.TypeDataAMF3, Body: body},
				{Type: message.TypeDataAMF3, Body: append([]byte{0}, body...)}} {
				var h hint
				h.read(&p)
				assert.Equal(t, test.want, h)
			}
		})
	}
	h := hint{width: 1}
	h.read(&message.Packet{Type: message.TypeDataAMF3})
	assert.Equal(t, hint{width: 1}, h, "an empty message says nothing")
}

// TestWriterLearnsFromFrames checks that a Writer takes the size of VP8 and VP9, and the rate and channels of MP3, from frames, if the
// caller has not set them or they have changed.
func TestWriterLearnsFromFrames(t *testing.T) {
	larger := append([]byte{}, vp8Key...)
	larger[6], larger[8] = 0x80, 0x68 // 384x104
	for _, test := range []struct {
		name   string
		track  Track
		frames [][]byte
		sizes  [][2]int // width and height, or rate and channels, of each unit's track
	}{
		{"VP8", Track{Codec: VP8}, [][]byte{vp8Key, vp8Key, larger}, [][2]int{{322, 182}, {322, 182}, {384, 104}}},
		{"VP9", Track{Codec: VP9}, [][]byte{vp9Key, vp9Key}, [][2]int{{322, 182}, {322, 182}}},
		{"MP3", Track{Codec: MP3}, [][]byte{mp3Frame, mp3Frame}, [][2]int{{48000, 1}, {48000, 1}}},
		{"MP3 of which the rate is known", Track{Codec: MP3, SampleRate: 44100}, [][]byte{mp3Frame}, [][2]int{{48000, 1}}},
		{"MP3 of which the channels are known", Track{Codec: MP3, Channels: 2}, [][]byte{mp3Frame}, [][2]int{{48000, 1}}},
		{"MP3 of which both are known", Track{Codec: MP3, SampleRate: 44100, Channels: 2}, [][]byte{mp3Frame}, [][2]int{{44100, 2}}},
		{"MP3 that is not one", Track{Codec: MP3}, [][]byte{{1}, mp3Frame}, [][2]int{{0, 0}, {48000, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r recorder
			w := NewWriter(&r, &test.track)
			var sizes [][2]int
			headers := []int{}
			for i, frame := range test.frames {
				at := time.Duration(i) * 40 * ms
				require.NoError(t, w.WriteUnit(&Unit{Track: &test.track, PTS: at, DTS: at, KeyFrame: true, Parts: [][]byte{frame}}))
				d := w.tracks[0].desc
				sizes = append(sizes, [2]int{d.Width + d.SampleRate, d.Height + d.Channels})
				headers = append(headers, len(r.bodies(message.TypeDataAMF0)))
			}
			assert.Equal(t, test.sizes, sizes)
			for i := range sizes[1:] {
				assert.Equal(t, sizes[i] != sizes[i+1], headers[i] != headers[i+1], "metadata comes again when it has changed")
			}
			_, err := NewReader(&r).Tracks(context.Background())
			require.NoError(t, err)
		})
	}
}
