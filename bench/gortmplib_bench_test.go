package bench

import (
	"net/url"
	"testing"

	"github.com/bluenviron/gortmplib"
	gomessage "github.com/bluenviron/gortmplib/pkg/message"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

func connectGortmplib(b *testing.B, what string) *gortmplib.Client {
	addr, _ := startCounterpart(b, what)
	u, err := url.Parse("rtmp://" + addr + "/app#stream")
	require.NoError(b, err)
	c := &gortmplib.Client{URL: u, Publish: what == "accept"}
	require.NoError(b, c.Initialize(b.Context()))
	b.Cleanup(c.Close)
	return c
}

func readWithGortmplib(b *testing.B, what string) {
	c := connectGortmplib(b, what)
	measureReads(b, func() (int, error) {
		m, err := c.Read()
		switch m := m.(type) {
		case *gomessage.Audio:
			return flv.TagOverhead + 2 + len(m.AU), err
		case *gomessage.Video:
			return flv.TagOverhead + 5 + len(m.AU), err
		}
		return 0, err
	})
}

func publishWithGortmplib(b *testing.B) {
	c := connectGortmplib(b, "accept")
	var messages []gomessage.Message
	for _, tag := range mix() {
		if tag.Type == flv.TagAudio {
			messages = append(messages, &gomessage.Audio{ChunkStreamID: gomessage.AudioChunkStreamID, MessageStreamID: 0x1000000,
				Codec: gomessage.CodecMPEG4Audio, AACType: gomessage.AudioAACTypeAU, AU: tag.Body[2:]})
			continue
		}
		messages = append(messages, &gomessage.Video{ChunkStreamID: gomessage.VideoChunkStreamID, MessageStreamID: 0x1000000,
			Codec: gomessage.CodecH264, Type: gomessage.VideoTypeAU, AU: tag.Body[5:]})
	}
	measureWrites(b, func() error {
		for _, m := range messages {
			if err := c.Write(m); err != nil {
				return err
			}
		}
		return nil
	})
}
