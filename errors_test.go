package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// However far down an error comes from, its text says rtmp once.
func TestErrorsHaveOnePrefix(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{})
	c := dialed(t, server.URL("live", "x"), nil)
	_, notFound := c.CreateStream(conntest.Context(t), &StreamOptions{Name: "nosuch", Seek: 1})
	ended, cancel := context.WithCancel(conntest.Context(t))
	cancel()
	_, cancelled := c.CreateStream(ended, nil)
	_, writer := publishing(t, server.URL("live", "y"), nil)
	_, taken := dialed(t, server.URL("live", "y"), nil).CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	o, err := c.SharedObject(conntest.Context(t), "o", false)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	for name, err := range map[string]error{"not found": notFound, "cancelled": cancelled, "taken": taken,
		"closed": o.Set(conntest.Context(t), "a", 1), "not readable": writer.ReadPacket(new(Packet))} {
		if assert.Error(t, err, name) {
			assert.Equal(t, 1, strings.Count(err.Error(), "rtmp:"), err)
		}
	}
}

// "Text has one prefix."
func TestErrorsOfSilenceHaveOnePrefix(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	c := dialed(t, url, &Options{Timeout: 50 * time.Millisecond})
	_, err := c.SharedObject(context.Background(), "so", false)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp: "), err.Error())
	_, err = c.CreateStream(context.Background(), nil)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp: "), err.Error())
}

// What a peer sent is in the text of an error only as one short line.
func TestPeersTextInErrors(t *testing.T) {
	hostile := "\x1b[2J\r\nINFO: Download complete\u202e" + strings.Repeat("x", 2<<20)
	cut, err := amf.DecodeAMF0(append(amf.AppendString(nil, "ok"), 0x99))
	require.Len(t, cut, 1)
	_, bad := message.ParseCommand(message.TypeCommandAMF0, append(amf.AppendString(nil, "x"), amfValues([]any{hostile})...))
	require.Error(t, bad)
	for name, err := range map[string]error{
		"status":              &StatusError{Code: hostile, Description: hostile},
		"protocol":            &ProtocolError{Phase: "command", Value: hostile},
		"protocol, object":    &ProtocolError{Phase: "command", Value: amf.Object{{Name: hostile, Value: hostile}}},
		"amf":                 &amf.DecodeError{Detail: "unknown externalizable class", Value: hostile},
		"command's id":        bad,
		"handshake":           &HandshakeError{Stage: "tunnel", Err: errors.New("malformed answer " + hostile)},
		"protocol, a message": &ProtocolError{Phase: "command", Err: &message.Error{Detail: hostile, Err: err}},
	} {
		text := err.Error()
		require.Less(t, len(text), 1500, name)
		require.NotContains(t, text, "\x1b", name)
		require.NotContains(t, text, "\n", name)
		require.NotContains(t, text, "\u202e", name)
	}
	require.Equal(t, `rtmp: server: NetStream.Play.StreamNotFound: "no such stream"`,
		(&StatusError{Code: "NetStream.Play.StreamNotFound", Description: "no such stream"}).Error())
	require.Equal(t, "rtmp: server: refused", (&StatusError{}).Error())
	require.Equal(t, "rtmp: protocol: chunk: limit: 5", (&ProtocolError{Phase: "chunk", Detail: "limit", Value: 5}).Error())
}

// Names of properties and methods are the peer's as well.
func TestPeersNamesInErrors(t *testing.T) {
	name := "\x1b]0;" + strings.Repeat("x", 60_000)
	data, err := message.AppendSharedProperty(nil, name, 1)
	require.NoError(t, err)
	_, err = message.SharedEvent{Type: message.SharedChange, Data: data[:len(data)-1]}.Properties()
	require.Error(t, err)
	_, func1 := Func(func(struct{ A int }) int { return 0 })(t.Context(), []any{amf.Object{{Name: name, Value: 1.0}, {Name: "A", Value: name}}})
	require.Error(t, func1)
	for _, err := range []error{err, func1, fmt.Errorf("x: %w", errors.Join(err, func1))} {
		require.Less(t, len(err.Error()), 1000)
		require.NotContains(t, err.Error(), "\x1b")
	}
}

// What net.Error and errors.Is ask for leads to the cause.
func TestErrorsLeadToTheirCause(t *testing.T) {
	for cause, timeout := range map[error]bool{os.ErrDeadlineExceeded: true, io.ErrUnexpectedEOF: false} {
		failed := &HandshakeError{Stage: StageDial, Err: cause}
		var _ net.Error = failed
		require.ErrorIs(t, failed, cause)
		require.Equal(t, timeout, failed.Timeout())
		require.Equal(t, timeout, failed.Temporary())
		require.ErrorIs(t, &OptionError{Name: "app", Err: cause}, cause)
	}
}
