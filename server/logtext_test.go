package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestTextOfClientsInTheLog checks that names of clients are quoted once in the log, and that a client can't add lines or control characters
// to it.
func TestTextOfClientsInTheLog(t *testing.T) {
	for name, handler := range map[string]func(w io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler {
			return slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
		"JSON": func(w io.Writer) slog.Handler {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := &server.Server{Logger: slog.New(handler(&log))}
			p, done := piped(t, s)
			p.command(0, "connect", 1, amf.Object{{Name: "app", Value: "a \u009b31m"}})
			p.answer("_result")
			p.command(0, "do\u009b it\n", 0, nil)
			p.command(0, "createStream", 2, nil)
			p.answer("_result")
			p.command(1, "publish", 3, nil, "x\u009b\u202e y")
			p.UntilCode(message.CodePublishStart)
			p.command(0, "createStream", 4, nil)
			p.answer("_result") // now everything before it has been logged
			p.Conn.Close()
			waitFor(t, "the end", done)
			assert.NoError(t, s.Close())

			text := log.String()
			for _, want := range []string{"a \\u009b31m", "do\\u009b it"} {
				quoted := strings.ReplaceAll(want, `\`, `\\`)
				assert.Contains(t, text, `"`+quoted, "quoted by the handler alone")
			}
			assert.NotContains(t, strings.Map(func(r rune) rune {
				if r == '\n' || unicode.IsGraphic(r) {
					return r
				}
				return '\a'
			}, text), "\a", "control characters")
		})
	}
}

// TestPlainTextInTheLog checks that text that needs no quotes has none, and that quotes of a client are escaped once.
func TestPlainTextInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := &server.Server{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	p, done := piped(t, s)
	p.command(0, "connect", 1, amf.Object{{Name: "app", Value: "live/room 6"}})
	p.answer("_result")
	p.command(0, "createStream", 2, nil)
	p.answer("_result")
	p.command(1, "publish", 3, nil, `"6"`)
	p.UntilCode(message.CodePublishStart)
	p.command(0, "createStream", 4, nil)
	p.answer("_result") // now everything before it has been logged
	p.Conn.Close()
	waitFor(t, "the end", done)
	assert.NoError(t, s.Close())
	assert.Contains(t, log.String(), `app="live/room 6" stream="live/room 6/\"6\""`)
}
