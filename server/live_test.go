package server_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestLiveRelay checks that published media arrives unchanged at a player that waits for the stream and at one that joins in the middle.
func TestLiveRelay(t *testing.T) {
	addr := app(t, &server.App{Live: server.Live{Linger: -1}})
	url := "rtmp://" + addr + "/live/x"
	_, early := play(t, url)
	_, out := publish(t, url)
	all := sample(t)
	write(t, out, all)
	want := media(all)
	assert.Equal(t, want, receive(t, early, len(want)))
	// Join after the start, where rtmplite3 fails.
	_, late := play(t, url)
	got := receive(t, late, 3)
	assert.True(t, flv.IsHeader(got[0]), "%v", got[0].Type)
	first := got[0]
	for _, tag := range got {
		if !flv.IsHeader(tag) {
			first = tag
			break
		}
	}
	h, err := flv.ParseVideoHeader(first.Body)
	require.NoError(t, err)
	assert.True(t, first.Type == flv.TagVideo && h.IsKeyFrame(), "the first picture is a key frame")
	require.NoError(t, out.Close())
	_, err = io.Copy(io.Discard, late)
	assert.NoError(t, err, "the end of the stream")
}

func TestFFmpegPublishesAndPlays(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe", "rtmpdump")
	addr := app(t, &server.App{})
	url := "rtmp://" + addr + "/live/x"
	file := sampleFile(t, t.TempDir(), "in.flv")
	programtest.Start(t, "ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-f", "flv", url)
	out := t.TempDir() + "/out.flv"
	programtest.Run(t, "ffmpeg", "-v", "error", "-i", url, "-t", "2", "-c", "copy", "-f", "flv", out)
	programtest.Run(t, "ffprobe", "-v", "error", out)
	dump := t.TempDir() + "/dump.flv"
	programtest.Run(t, "rtmpdump", "-q", "-v", "-r", url, "-o", dump, "--stop", "2")
	programtest.Run(t, "ffprobe", "-v", "error", dump)
}

// TestRTMPDumpOverEveryTransport plays with RTMPDump over every transport.
func TestRTMPDumpOverEveryTransport(t *testing.T) {
	programtest.Need(t, "rtmpdump")
	s := new(server.Server)
	addresses := everyTransport(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	defer pub.Close()
	for _, tag := range media(sample(t)) { // without metadata: it contains the duration of the whole sample, so a part would count as incomplete
		require.NoError(t, pub.WritePacket(&message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
	}
	for scheme, addr := range addresses {
		t.Run(scheme, func(t *testing.T) {
			out := t.TempDir() + "/out.flv"
			programtest.Run(t, "rtmpdump", "-q", "-v", "-r", scheme+"://"+addr+"/live/x", "-o", out, "--stop", "1")
			file, err := os.ReadFile(out)
			require.NoError(t, err)
			assert.NotEmpty(t, tags(t, file))
		})
	}
}

// held is a log handler that holds back one message.
type held struct {
	slog.Handler
	message string
	release <-chan struct{}
}

func (h *held) Enabled(context.Context, slog.Level) bool { return true }

func (h *held) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *held) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		<-h.release
	}
	return nil
}

// TestUnpublishAfterTakeover checks that a publisher that has lost its name is not told afterwards that it has unpublished.
func TestUnpublishAfterTakeover(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := &server.Server{Logger: slog.New(&held{slog.DiscardHandler, "rtmp: publisher ended", release})}
	addr := start(t, s)
	old := newPeer(t, addr)
	old.connect("live")
	old.command(old.CreateStream(), "publish", 3, nil, "x", "live")
	old.UntilCode(message.CodePublishStart)
	publish(t, "rtmp://"+addr+"/live/x")
	old.UntilCode(message.CodePublishBadName)
	old.command(0, "FCUnpublish", 4, nil, "x") // it is still served, since the server has not yet begun to hang up
	old.command(0, "createStream", 5, nil)
	for {
		m := old.Next()
		require.NotEqual(t, "onFCUnpublish", m.Command.Name)
		if m.Command.Name == "_result" && m.Command.TransactionID == 5 {
			break
		}
	}
}
