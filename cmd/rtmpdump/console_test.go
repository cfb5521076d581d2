package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// hostile is text with which a server might attack a terminal, or a program that reads our messages.
const hostile = "x\x1b]0;owned\a\x1b[2J\r\nINFO: Download complete\n\u202e"

// TestNothingRawFromServers checks that text from a server is never printed at the beginning of a line, and never with escape sequences.
func TestNothingRawFromServers(t *testing.T) {
	body, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: hostile, Value: hostile}, {Name: "title", Value: "Ein schöner Film, 2"},
		{Name: hostile, Value: amf.Object{{Name: "in", Value: hostile}}}, {Name: strings.Repeat("long", 10_000), Value: true}})
	require.NoError(t, err)
	film := flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true})
	film = flv.AppendTag(film, flv.Tag{Type: flv.TagScript, Body: body})
	film = append(film, testserver.Sample[13:]...)
	refuse := func(message.Command) amf.Object {
		return message.StatusObject("error", "NetConnection.Connect.Rejected", hostile)
	}
	for name, cfg := range map[string]testserver.Config{
		"metadata": {Files: map[string][]byte{"sample": film}},
		"refusal":  {Refuse: refuse},
	} {
		for _, level := range []string{"", " -V", " -z"} {
			got := attempt(t, ours, cfg, "-r URL/sample -o FILE -m 5"+level, nil)
			assert.NotContains(t, got.stderr, "\x1b", name+level)
			assert.NotContains(t, got.stderr, "\u202e", name+level)
			assert.NotContains(t, got.stderr, "\nINFO: Download complete", name+level)
			assert.Less(t, len(got.stderr), 30_000, name+level)
			if name == "metadata" {
				assert.Contains(t, got.stderr, "INFO:   title                 Ein schöner Film, 2\n")
			}
		}
	}
}
