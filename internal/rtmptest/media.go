package rtmptest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// SendTags publishes tags on a message stream.
func SendTags(c *peertest.Client, streamID uint32, tags ...flv.Tag) {
	for _, tag := range tags {
		c.Send(chunk.Outgoing{Type: uint8(tag.Type), ChunkStreamID: 4 + uint32(tag.Type)%2, StreamID: streamID,
			Timestamp: tag.Timestamp, Body: tag.Body, Format: chunk.Format3})
	}
}

// MediaTags returns the audio, video and data messages as tags, without the data messages that the server itself has made.
func MediaTags(t testing.TB, messages []peertest.Message) (tags []flv.Tag) {
	t.Helper()
	for _, m := range messages {
		switch {
		case m.Type == message.TypeAggregate:
			for sub, err := range message.Aggregate(m.Timestamp, m.Body) {
				require.NoError(t, err)
				tags = append(tags, flv.Tag{Type: flv.TagType(sub.Type), Timestamp: sub.Timestamp, Body: sub.Body})
			}
		case m.Type == message.TypeDataAMF0:
			data, err := message.ParseData(m.Type, m.Body)
			require.NoError(t, err)
			if data.Name == "|RtmpSampleAccess" || data.Name == "onPlayStatus" {
				continue
			}
			fallthrough
		case m.Type.Media():
			tags = append(tags, flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: m.Body})
		}
	}
	return tags
}
