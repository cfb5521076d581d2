package rtmp

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// Neither errors nor logs hold a stream's key or a token, not even where the server repeats them.
func TestSecretsStayOutOfErrors(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hidden := func(t *testing.T, err error, with string) {
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "secret")
		assert.ErrorContains(t, err, with)
	}
	t.Run("publish", func(t *testing.T) {
		server := rtmptest.Server(t, testserver.Config{})
		first := dialed(t, server.URL("live", "secretkey?sign=secretsign"), &Options{Publish: true, Logger: logger})
		_, err := first.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
		require.NoError(t, err)
		second := dialed(t, server.URL("live", ""), &Options{Publish: true, Logger: logger})
		_, err = second.CreateStream(conntest.Context(t), &StreamOptions{Writable: true, Name: "secretkey?sign=secretsign"})
		hidden(t, err, "rtmp: publish: server: NetStream.Publish.BadName")
		var refused *StatusError
		require.ErrorAs(t, err, &refused)
		assert.Contains(t, refused.Description, "secretkey", "the program may look at what the server has said")
	})
	t.Run("play", func(t *testing.T) {
		server := rtmptest.Server(t, testserver.Config{})
		c := dialed(t, server.URL("vod", "nothing?token=secret"), &Options{Logger: logger})
		_, err := c.CreateStream(conntest.Context(t), nil)
		hidden(t, err, "rtmp: play nothing: server: NetStream.Play.StreamNotFound")
	})
	t.Run("connect", func(t *testing.T) {
		server := rtmptest.Server(t, testserver.Config{Apps: []string{"vod"}})
		_, err := Dial(conntest.Context(t), "rtmp://"+server.Addr()+"/live?token=secret", &Options{Logger: logger})
		hidden(t, err, "NetConnection.Connect.InvalidApp")
	})
	t.Run("backlog", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			p.AcceptPlayer()
			p.Media(message.TypeVideo, 0, make([]byte, 2000))
			p.UntilGone()
		})
		c, _ := playing(t, url+"?token=secret", &Options{MaxQueue: 1000, Logger: logger})
		_, err := c.RemoteMethod("anything")(conntest.Context(t))
		require.ErrorIs(t, err, ErrStreamBacklog)
		hidden(t, err, "stream 1 play")
	})
	assert.NotContains(t, log.String(), "secret")
}

// What a server says forges no line of a log, whatever writes it.
func TestLogsOfHostileText(t *testing.T) {
	var values []string
	logger := slog.New(slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			values = append(values, a.Value.String())
			return a
		}}))
	hostile := "x\r\nINFO: Download complete\x1b[2J"
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, hostile, 0, nil)
		p.Call(0, "onStatus", 0, nil, message.StatusObject(hostile, hostile, hostile))
		p.Control(message.TypeUserControl, append([]byte{0, byte(message.EventSWFVerifyRequest)}, hostile...))
		p.Call(0, "over", 0, nil)
		p.UntilGone()
	})
	c := dialed(t, url, &Options{Logger: logger})
	_, err := c.WaitInvoke(conntest.Context(t), "over")
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.Contains(t, values, `"x\r\nINFO: Download complete\x1b[2J"`)
	for _, v := range values {
		assert.NotContains(t, v, "\n")
		assert.NotContains(t, v, "\x1b")
	}
}
