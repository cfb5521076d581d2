package bench

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/bluenviron/gortmplib"
	gomessage "github.com/bluenviron/gortmplib/pkg/message"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	gortmp "github.com/yutopp/go-rtmp"
	rtmpmessage "github.com/yutopp/go-rtmp/message"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
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

// goRTMPServer serves with go-rtmp, which gives media to take. It ends with the test.
func goRTMPServer(tb testing.TB, take func(message.Type, uint32, io.Reader) error) (url string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	server := gortmp.NewServer(&gortmp.ServerConfig{OnConnect: func(nc net.Conn) (io.ReadWriteCloser, *gortmp.ConnConfig) {
		return nc, &gortmp.ConnConfig{Handler: &goRTMPHandler{take: take}}
	}})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(l)
	}()
	tb.Cleanup(func() {
		server.Close()
		<-ended
	})
	return "rtmp://" + l.Addr().String() + "/app/stream"
}

type goRTMPHandler struct {
	gortmp.DefaultHandler
	take func(message.Type, uint32, io.Reader) error
}

func (h *goRTMPHandler) OnAudio(timestamp uint32, payload io.Reader) error {
	return h.take(message.TypeAudio, timestamp, payload)
}

func (h *goRTMPHandler) OnVideo(timestamp uint32, payload io.Reader) error {
	return h.take(message.TypeVideo, timestamp, payload)
}

func TestPublishToGoRTMP(t *testing.T) {
	for _, media := range streams(t) {
		t.Run(media.name, func(t *testing.T) {
			packets := make(chan rtmp.Packet, len(media.packets)+1)
			url := goRTMPServer(t, func(kind message.Type, timestamp uint32, payload io.Reader) error {
				body, err := io.ReadAll(payload)
				packets <- rtmp.Packet{Type: kind, Timestamp: timestamp, Body: body}
				return err
			})
			publish(t, url, media.file())
			var got []rtmp.Packet
			for range media.packets {
				select {
				case p := <-packets:
					got = append(got, p)
				case <-testContext(t).Done():
					t.Fatalf("%d of %d packets have arrived", len(got), len(media.packets))
				}
			}
			assertPackets(t, media, got)
		})
	}
}

// readWithGoRTMP reads what is published to go-rtmp's server, since its client can't play.
func readWithGoRTMP(b *testing.B, chunkSize int) {
	left, enough := int64(b.N)<<20, make(chan struct{})
	end := sync.OnceFunc(func() { close(enough) })
	url := goRTMPServer(b, func(_ message.Type, _ uint32, payload io.Reader) error {
		n, err := io.Copy(io.Discard, payload)
		if left -= flv.TagOverhead + n; left <= 0 {
			end()
			return io.EOF
		}
		return err
	})
	_, in := startCounterpart(b, fmt.Sprintf("push %d", chunkSize))
	measure(b, 1<<20, func() error {
		_, err := fmt.Fprintln(in, url)
		<-enough
		return err
	})
}

func publishWithGoRTMP(b *testing.B, chunkSize int) {
	logrus.SetOutput(io.Discard) // go-rtmp tells it of every chunk size
	addr, _ := startCounterpart(b, "accept")
	c, err := gortmp.Dial("rtmp", addr, &gortmp.ConnConfig{})
	require.NoError(b, err)
	defer c.Close()
	require.NoError(b, c.Connect(&rtmpmessage.NetConnectionConnect{}))
	s, err := c.CreateStream(nil, uint32(chunkSize))
	require.NoError(b, err)
	require.NoError(b, s.Publish(&rtmpmessage.NetStreamPublish{PublishingName: "stream", PublishingType: "live"}))
	tags := mix()
	measureWrites(b, func() error {
		for _, tag := range tags {
			var err error
			if tag.Type == flv.TagAudio {
				err = s.Write(4, tag.Timestamp, &rtmpmessage.AudioMessage{Payload: bytes.NewReader(tag.Body)})
			} else {
				err = s.Write(6, tag.Timestamp, &rtmpmessage.VideoMessage{Payload: bytes.NewReader(tag.Body)})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
