package rtmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestErrorsHaveOnePrefix(t *testing.T) {
	ctx := conntest.Context(t)
	server := rtmptest.Server(t, testserver.Config{})
	c := dialed(t, server.URL("live", "x"), nil)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, again := c.SharedObject(ctx, "o", false)
	require.NoError(t, again)
	o, again := c.SharedObject(ctx, "o", false)
	require.Nil(t, o)
	other, err := c.SharedObject(ctx, "other", false)
	require.NoError(t, err)
	_, writer := publishing(t, server.URL("live", "y"), nil)
	errs := map[string]error{
		"connected again":       again,
		"shared, value":         other.Set(ctx, "a", make(chan int)),
		"shared, cancelled":     other.Send(ended, "a"),
		"not readable":          writer.ReadPacket(new(Packet)),
		"not media":             writer.WritePacket(&Packet{Type: message.TypeCommandAMF0}),
		"too long":              writer.WritePacket(&Packet{Type: message.TypeAudio, Body: make([]byte, 1<<24)}),
		"packet, cancelled":     c.SendPacket(ended, new(Packet)),
		"processing, cancelled": c.ProcessPackets(ended),
	}
	_, errs["not found"] = c.CreateStream(ctx, &StreamOptions{Name: "nosuch", Seek: 1})
	_, errs["cancelled"] = c.CreateStream(ended, nil)
	_, errs["stop"] = dialed(t, server.URL("live", "x"), &Options{Start: 2, Stop: 1}).CreateStream(ctx, nil)
	_, errs["taken"] = dialed(t, server.URL("live", "y"), nil).CreateStream(ctx, &StreamOptions{Writable: true})
	_, errs["no FLV"] = writer.Write([]byte("not FLV, not FLV, not FLV"))
	_, errs["call"] = c.RemoteMethod("nosuch")(ctx)
	_, errs["argument"] = c.RemoteMethod("nosuch")(ctx, make(chan int))
	_, _, errs["follow"] = c.Follow("rtmp://elsewhere/app")
	require.NoError(t, c.Close())
	errs["shared, closed"] = other.Set(ctx, "a", 1)
	_, errs["closed"] = c.CreateStream(ctx, nil)
	_, errs["dial"] = Dial(ctx, "rtmp://127.0.0.1:1/app", nil)
	_, errs["proxy"] = Dial(ctx, "rtmp://127.0.0.1:1/app", &Options{Proxy: "socks5://127.0.0.1:1"})
	_, errs["proxy's scheme"] = Dial(ctx, "rtmp://127.0.0.1:1/app", &Options{Proxy: "gopher://127.0.0.1:1"})
	_, errs["tunnel"] = Dial(ctx, "rtmpt://"+server.Addr()+"/app", nil)
	_, errs["tls"] = Dial(ctx, "rtmps://"+server.Addr()+"/app", nil)
	_, errs["swf"] = Dial(ctx, "rtmp://"+server.Addr()+"/app", &Options{SWFVerify: true, SWFURL: "http://127.0.0.1:1/", Proxy: "direct"})
	_, errs["url"] = Dial(ctx, "http://127.0.0.1:1/app", nil)
	_, errs["option"] = Dial(ctx, "rtmp://127.0.0.1:1/app conn=NS:a:b", nil)
	for name, script := range map[string]func(p *peer){
		"hang-up":  func(p *peer) { p.Expect("connect") },
		"silence":  func(p *peer) { p.Expect("connect"); p.UntilGone() },
		"password": func(p *peer) { p.Call(0, "_error", p.Expect("connect").TransactionID, nil, rejected("authmod=adobe")) },
		"garbage":  func(p *peer) { p.Expect("connect"); p.Conn.Write(bytes.Repeat([]byte{0xFF}, 100)); p.UntilGone() },
		"no stream": func(p *peer) {
			p.AcceptConnect()
			p.Call(0, "_result", p.Expect("createStream").TransactionID, nil, "one")
			p.UntilGone()
		},
		"silent stream": func(p *peer) { p.AcceptConnect(); p.UntilGone() },
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _, err := dialPiped(t, t.Context(), Options{NoEnhanced: true, MaxRedirects: 1}, script)
			if err == nil {
				_, err = c.SharedObject(t.Context(), "o", false)
				errs[name+", shared object"] = err
				_, err = c.CreateStream(t.Context(), nil)
			}
			errs[name] = err
		})
	}
	assert.ErrorContains(t, errs["dial"], "rtmp: dial tcp 127.0.0.1:1: ")
	assert.ErrorContains(t, errs["hang-up"], "rtmp: connect: the server closed the connection: ")
	for name, err := range errs {
		if !assert.Error(t, err, name) {
			continue
		}
		parts := strings.Split(err.Error(), ": ")
		assert.Equal(t, "rtmp", parts[0], "%s: %v", name, err)
		for i, part := range parts {
			assert.NotContains(t, parts[:i], part, "%s: %v", name, err)
		}
	}
}

func rejected(why string) amf.Object {
	return message.StatusObject("error", message.CodeConnectRejected, "[ AccessManager.Reject ] : [ code=403 need auth; "+why+" ] : ")
}

// TestPeersTextInErrors checks that errors contain text from a peer only as one short line.
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

// TestPeersNamesInErrors checks the same for names of properties and methods.
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

// TestResetOfARequestIsExplained checks a reset during the body of an HTTP request. net/http sends the body with ReadFrom, whose error
// wraps the error of the write.
func TestResetOfARequestIsExplained(t *testing.T) {
	reset := &net.OpError{Op: "readfrom", Net: "tcp", Err: &net.OpError{Op: "write", Net: "tcp", Err: syscall.ECONNRESET}}
	err := &HandshakeError{Stage: StageTunnel, Err: reset}
	assert.ErrorContains(t, err, ": the server may not speak HTTP on this port")
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.NotErrorIs(t, &HandshakeError{Stage: StageDial, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, io.ErrUnexpectedEOF)
}

// TestSlashInPassword checks that the error says what to do if the host of a URL may be meant as a user name.
func TestSlashInPassword(t *testing.T) {
	o := &Options{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("unknown host") }}
	_, err := Dial(t.Context(), "rtmp://joe:1/2@example.com/app/play", o)
	require.EqualError(t, err, "rtmp: dial: unknown host: if joe is a user name, a / in it or its password must be written %2F")
	parsed := &Options{App: "2@example.com/app", DialContext: o.DialContext} // as rtmpdump sets it
	_, err = Dial(t.Context(), "rtmp://joe:1", parsed)
	require.EqualError(t, err, "rtmp: dial: unknown host: if joe is a user name, a / in it or its password must be written %2F")
	_, err = Dial(t.Context(), "rtmp://example.com/app/me@here", o)
	require.EqualError(t, err, "rtmp: dial: unknown host")
}
