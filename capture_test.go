package rtmp

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func captured(t *testing.T, file []byte) []*capture.Session {
	t.Helper()
	f, err := capture.NewFile(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	require.Empty(t, f.Damage())
	return f.Sessions()
}

func TestCapturedPlayIsWhatWasPlayed(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		for _, o.Pipelining = range []Pipelining{PipelineNone, PipelineHandshake} {
			server := rtmptest.Server(t, testserver.Config{Scheme: scheme})
			var file bytes.Buffer
			o.Capture = &file
			got, err := download(conntest.Context(t), server.URL("vod", "sample"), o, nil)
			require.NoError(t, err)
			require.Equal(t, testserver.Sample, got)
			sessions := captured(t, file.Bytes())
			require.NotEmpty(t, sessions)
			s := sessions[len(sessions)-1]
			assert.Equal(t, scheme, s.Info().Transport)
			assert.Equal(t, server.Addr(), s.Info().Server)
			media, commands := summary(t, s)
			assert.Equal(t, sampleMedia(t), media)
			assert.Subset(t, commands, []string{"client connect", "server _result", "client createStream", "client play", "server onStatus"})
		}
	})
}

// summary returns the numbers of bytes of audio and video in a session, and the commands of each end.
func summary(t *testing.T, s *capture.Session) (media int, commands []string) {
	r := s.Reader()
	var m capture.Message
	var err error
	for err = r.Next(&m); err == nil; err = r.Next(&m) {
		switch m.Type {
		case message.TypeAudio, message.TypeVideo:
			media += len(m.Body)
		case message.TypeCommandAMF0:
			cmd, err := message.ParseCommand(m.Type, m.Body)
			require.NoError(t, err)
			commands = append(commands, m.From.String()+" "+cmd.Name)
		}
	}
	require.Equal(t, io.EOF, err)
	return media, commands
}

func sampleMedia(t *testing.T) (media int) {
	for _, tag := range rtmptest.SampleTags(t) {
		if tag.Type != flv.TagScript {
			media += len(tag.Body)
		}
	}
	return media
}

func TestCapturedPublish(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{})
	var file bytes.Buffer
	c, stream := publishing(t, server.URL("live", "a-secret-key?token=hidden-token"), &Options{Capture: &file})
	_, err := stream.ReadFrom(bytes.NewReader(testserver.Sample))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	s := captured(t, file.Bytes())[0]
	media, commands := summary(t, s)
	assert.Equal(t, sampleMedia(t), media)
	assert.Subset(t, commands, []string{"client releaseStream", "client FCPublish", "client publish"})
	end, complete := s.End()
	assert.True(t, complete)
	assert.Contains(t, end.Replaced, "publishing name: 4")
}

func TestCaptureOfAFailure(t *testing.T) {
	l := conntest.Listen(t)
	addr := l.Addr().String()
	l.Close()
	var file bytes.Buffer
	_, err := Dial(conntest.Context(t), "rtmp://"+addr+"/app/play", &Options{Capture: &file})
	require.Error(t, err)
	s := captured(t, file.Bytes())[0]
	end, _ := s.End()
	assert.Equal(t, addr, s.Info().Server)
	assert.Equal(t, err.Error(), end.Reason)
}
