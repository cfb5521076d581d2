package testserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// A length is found by all names by which a recording can be played.
func TestStreamLength(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "whole.flv"), testserver.Sample, 0o644))
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Dir: dir,
		Files: map[string][]byte{"sample": testserver.Sample, "empty": rtmptest.File(), "damaged": []byte("not FLV, but long enough")}}).Addr())
	for name, seconds := range map[any]float64{
		"sample": 9.96, "mp4:sample": 9.96, "flv:sample": 9.96, "mp3:sample": 9.96, "whole": 9.96, "flv:whole": 9.96,
		"empty": 0, "damaged": 0, "nothing": 0, "mp4:nothing": 0, "": 0, "../whole": 0, 17.0: 0,
	} {
		assert.Equal(t, []any{seconds}, c.Call("getStreamLength", nil, name).Command.Args, name)
	}
	assert.Equal(t, []any{0.0}, c.Call("getStreamLength", nil).Command.Args, "of what?")

	c.Tell(0, "getStreamLength", "sample") // transaction id 0: nobody wants to know
	c.Sync()
	assert.Empty(t, c.Skipped)
}

// An application's parameters are not part of its name.
func TestParametersOfApp(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Apps: []string{"live"}})
	for app, answer := range map[string]string{
		"live": "_result", "live?token=1": "_result", "live?": "_result",
		"": "_error", "?live": "_error", "liv": "_error", "live/x": "_error", "x?live": "_error",
	} {
		c := peertest.Dial(t, s.Addr())
		assert.Equal(t, answer, c.Call("connect", amf.Object{{Name: "app", Value: app}}).Command.Name, app)
	}
}

// Where playing begins in the middle, metadata is repeated, but nothing that belongs to a moment that is over.
func TestSeekBehindCuePoints(t *testing.T) {
	script := func(ms uint32, name string) flv.Tag {
		body, err := message.AppendData(nil, message.TypeDataAMF0, name, amf.Object{{Name: "at", Value: float64(ms)}})
		require.NoError(t, err)
		return flv.Tag{Type: flv.TagScript, Timestamp: ms, Body: body}
	}
	key := func(ms uint32) flv.Tag {
		return flv.Tag{Type: flv.TagVideo, Timestamp: ms, Body: []byte{0x17, 1, 0, 0, 0, byte(ms)}}
	}
	sequence := flv.Tag{Type: flv.TagVideo, Body: []byte{0x17, 0, 0, 0, 0, 1}}
	tags := []flv.Tag{script(0, "onMetaData"), sequence, key(0), script(500, "onCuePoint"), script(600, "onTextData"),
		key(1000), script(1500, "onCuePoint"), key(2000)}
	want := append([]flv.Tag{tags[0], sequence}, tags[5:]...)
	want[0].Timestamp, want[1].Timestamp = 1000, 1000

	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"cues": rtmptest.File(tags...)}}).Addr())
	id := c.Play("cues")
	c.Until(isStop)
	rtmptest.EqualTags(t, tags, rtmptest.MediaTags(t, c.Skipped))
	c.Tell(id, "seek", 1000)
	c.UntilCode("NetStream.Play.Start")
	c.Until(isStop)
	rtmptest.EqualTags(t, want, rtmptest.MediaTags(t, c.Skipped))
	c.Play("cues", 1000)
	c.Until(isStop)
	rtmptest.EqualTags(t, want, rtmptest.MediaTags(t, c.Skipped))
}
