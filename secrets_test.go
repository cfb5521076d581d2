package rtmp

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestSecretsStayOutOfErrors checks that neither errors nor logs contain a stream's key or a token, even if the server repeats them.
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

// TestLogsOfHostileText checks that text from a server can't forge a line of the log, whichever slog handler is used.
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

// TestMaskedSecretWithinAnother checks that if one secret is the beginning of another, the rest of the longer one is masked too.
func TestMaskedSecretWithinAnother(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(1)
		p.Expect("publish")
		p.Call(1, "onStatus", 0, nil, message.StatusObject("error", "NetStream.Publish.BadName", "live_1234-abcdef-THEREST is being published"))
		p.UntilGone()
	})
	url = strings.Replace(url, "/app/play", "/app/live", 1)
	c := dialed(t, url, &Options{Publish: true})
	_, err := c.CreateStream(conntest.Context(t), &StreamOptions{Name: "live_1234-abcdef-THEREST", Writable: true})
	require.ErrorContains(t, err, `NetStream.Publish.BadName: "*** is being published"`)
}

// TestMaskedSecretInOtherForms checks that keys are masked if the server repeats them in another form or in a status code, and also secrets
// in conn= and in members of connect's object.
func TestMaskedSecretInOtherForms(t *testing.T) {
	const rejected = "NetConnection.Connect.Rejected"
	for _, test := range []struct{ name, code, said, want string }{
		{"in the code", "NetConnection.key-abc/THEREST", "", "NetConnection.***"},
		{"a ticket in the code", "2/ticket-THEREST", "", "2/***"},
		{"escaped", rejected, "stream key%2Dabc%2FTHEREST is taken", `"stream *** is taken"`},
		{"all of it escaped", rejected, "%6b%65%79%2d%61%62%63%2f%54%48%45%52%45%53%54!", `"***!"`},
		{"decoded", rejected, "token a/b/THEREST is old", `"token *** is old"`},
		{"conn", rejected, "ticket-THEREST is not valid", `"*** is not valid"`},
		{"conn, in an object", rejected, "member-THEREST is not valid", `"*** is not valid"`},
		{"conn, in an instance of a class", rejected, "instance-THEREST is not valid", `"*** is not valid"`},
		{"a field", rejected, "field-THEREST is not valid", `"*** is not valid"`},
		{"two side by side", rejected, "x ticket-THERESTfield-THERESTTHERE y", `"x ***THERE y"`},
		{"nothing secret", rejected, "100% of 100%25 are taken, %zz", `"100% of 100%25 are taken, %zz"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				cmd := p.Expect("connect")
				p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", test.code, test.said))
				p.UntilGone()
			})
			url = strings.Replace(url, "/app/play", "/app?token=a%2Fb%2fTHEREST&auth=THEREST/key-abc/THEREST", 1)
			_, err := Dial(conntest.Context(t), url, &Options{Publish: true, Playpath: "key-abc/THEREST",
				ConnectData: []any{"ticket-THEREST", amf.Object{{Name: "a", Value: []any{"member-THEREST"}}},
					amf.TypedObject{Class: "Ticket", Object: amf.Object{{Name: "a", Value: "instance-THEREST"}}}},
				ConnectFields: amf.Object{{Name: "session", Value: "field-THEREST"}}})
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "THEREST")
		})
	}
}

// TestKeyThatIsAWordOfCodes checks that a status code is not masked if the key is one of its words.
func TestKeyThatIsAWordOfCodes(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected", ""))
		p.UntilGone()
	})
	_, err := Dial(conntest.Context(t), url, &Options{Publish: true, Playpath: "Connect"})
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "NetConnection.Connect.Rejected", refused.Code)
}

// secretFinder is a log handler that searches records for text that must not be logged.
type secretFinder struct {
	mu      *sync.Mutex
	secrets []string
	found   map[string]int
}

func newStrict(secrets ...string) *secretFinder {
	return &secretFinder{mu: new(sync.Mutex), secrets: secrets, found: map[string]int{}}
}

func (s *secretFinder) Enabled(context.Context, slog.Level) bool { return true }

func (s *secretFinder) WithAttrs([]slog.Attr) slog.Handler { return s }

func (s *secretFinder) WithGroup(string) slog.Handler { return s }

func (s *secretFinder) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		s.look(r.Message+" "+a.Key, a.Value.String())
		return true
	})
	return nil
}

func (s *secretFinder) look(where, text string) {
	add := func(what string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.found) < 40 {
			s.found[fmt.Sprintf("%s: %s: %.160q", what, where, text)]++
		}
	}
	if len(text) > 1300 {
		add(fmt.Sprintf("long %d", len(text)))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) || r == 0xfffd }) {
		add("raw")
	}
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			add("SECRET")
		}
	}
}
