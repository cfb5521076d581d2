package rtmp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// revealed returns the secrets that a recording reveals: those of which any eight consecutive bytes occur in the file, in a reassembled
// chunk stream or in a message.
func revealed(t *testing.T, file []byte, secrets ...string) (found []string) {
	t.Helper()
	var all [2]bytes.Buffer
	var bodies bytes.Buffer
	for _, s := range captured(t, file) {
		raw := s.Raw()
		var part capture.Raw
		var err error
		for err = raw.Next(&part); err == nil; err = raw.Next(&part) {
			all[part.From-1].Write(part.Data)
		}
		require.Equal(t, io.EOF, err)
		r := s.Reader()
		var m capture.Message
		for err = r.Next(&m); err == nil; err = r.Next(&m) {
			bodies.Write(m.Body)
			bodies.WriteByte(0)
		}
		require.Equal(t, io.EOF, err)
		end, complete := s.End()
		require.True(t, complete)
		bodies.WriteString(strings.Join(end.Kept, " ") + strings.Join(end.Replaced, " ") + end.Reason)
	}
	for _, secret := range secrets {
		for i := 0; i+8 <= len(secret); i++ {
			part := []byte(secret[i : i+8])
			for _, where := range [][]byte{file, all[0].Bytes(), all[1].Bytes(), bodies.Bytes()} {
				if bytes.Contains(where, part) {
					found = append(found, secret)
				}
			}
		}
	}
	return found
}

// TestCaptureRevealsNothing sends every kind of secret, in chunks so small that chunk headers divide each secret.
func TestCaptureRevealsNothing(t *testing.T) {
	const (
		challenge = "58656322c972d6cdf2d776167575045f8484ea888e31c086f7b5ffbd0baec55ce442c2fb"
		swfHash   = "an-SWF-hash-of-thirty-two-bytes."
	)
	secrets := []string{"password-0f-the-url", "t0ken-of-the-tcurl", "ticket-of-the-page", "ticket-of-the-player", "librtmp-auth-text",
		"usher-token-json", "c0nnect-arg-0ne", "c0nnect-arg-tw0", "connect-field-ticket", "token-of-the-playpath", "my%20st0lenkey%20!x",
		"my st0lenkey !x", "key-of-securetoken", "password-of-a-call", "session-of-an-answer", "value-of-a-shared-object", "token-in-metadata",
		"t0ken-of-a-redir", "arg-fr0m-serv"}
	answer, err := auth.SecureToken("key-of-securetoken", challenge)
	require.NoError(t, err)
	secrets = append(secrets, answer)
	for _, size := range []int{1, 3, 128} {
		var file bytes.Buffer
		served := make(chan bool, 1)
		url := newPeer(t, func(p *peer) {
			defer close(served)
			p.Control(message.TypeSetChunkSize, message.AppendUint32(nil, uint32(size)))
			cmd := p.Expect("connect")
			p.Call(0, "_result", cmd.TransactionID, amf.Object{{Name: "a", Value: amf.Object{{Name: "secureToken", Value: challenge}}}},
				message.StatusObject("status", message.CodeConnectSuccess, "you said t0ken-of-the-tcurl and c0nnect-arg-0ne"))
			p.Control(message.TypeUserControl, message.AppendUserControl(nil, message.EventSWFVerifyRequest, 0)[:2])
			p.AcceptStream(1)
			p.Expect("publish")
			p.Status(message.CodePublishStart)
			p.Call(1, "onStatus", 0, nil, message.StatusObject("status", "Any.Code", "my%20st0lenkey%20!x, or my st0lenkey !x, is on air"))
			p.Call(1, "onStatus", 0, nil, amf.Object{{Name: "code", Value: "Any.Code"}, {Name: "details", Value: "my st0lenkey !x"},
				{Name: "ex", Value: amf.Object{{Name: "redirect", Value: "rtmp://me:password-0f-the-url@host/app?token=t0ken-of-a-redir"}}},
				{Name: "session", Value: "session-of-an-answer"}})
			p.Call(0, "hello", 0, nil, "arg-fr0m-serv", amf.Object{{Name: "code", Value: "arg-fr0m-serv"}})
			if cmd := p.Expect("login"); cmd != nil {
				p.Call(0, "_result", cmd.TransactionID, nil, "session-of-an-answer", amf.Object{{Name: "session", Value: "session-of-an-answer"}})
			}
			p.UntilGone()
		})
		url = strings.Replace(url, "rtmp://", "rtmp://me:password-0f-the-url@", 1)
		c, err := Dial(conntest.Context(t), url, &Options{Capture: &file, ChunkSize: size, Publish: true,
			TCURL:   "rtmp://me:password-0f-the-url@host/app?t0ken-of-the-tcurl&x=1&token=t0ken-of-the-tcurl",
			PageURL: "http://host/page?ticket=ticket-of-the-page", SWFURL: "http://host/a.swf?ticket-of-the-player", Auth: "librtmp-auth-text",
			UsherToken: "usher-token-json", ConnectData: []any{"c0nnect-arg-0ne", amf.Object{{Name: "code", Value: "c0nnect-arg-tw0"}}},
			ConnectFields: amf.Object{{Name: "ticket", Value: "connect-field-ticket"}, {Name: "pageUrl", Value: "http://host/page?t=ticket-of-the-page"}},
			Token:         "key-of-securetoken", Playpath: "my%20st0lenkey%20!x?token=token-of-the-playpath",
			SWFHash: []byte(swfHash), SWFSize: 1234})
		require.NoError(t, err)
		s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
		require.NoError(t, err)
		require.NoError(t, s.WriteData("@setDataFrame", "onMetaData", amf.ECMAArray{{Name: "width", Value: 640.0},
			{Name: "source", Value: "rtmp://me:password-0f-the-url@host/my%20st0lenkey%20!x?token=token-in-metadata"}}))
		call, err := c.Call(conntest.Context(t), "login", "me", "password-of-a-call", []any{"password-of-a-call"},
			amf.Object{{Name: "code", Value: "password-of-a-call"}})
		require.NoError(t, err)
		_, err = call.Result(conntest.Context(t))
		require.NoError(t, err)
		so, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: "chat", Events: []message.SharedEvent{
			{Type: message.SharedRequestChange, Data: must(message.AppendSharedProperty(nil, "text", "value-of-a-shared-object"))},
			{Type: message.SharedSendMessage, Data: must(amf.AppendAMF0(nil, "method", "value-of-a-shared-object"))}}})
		require.NoError(t, err)
		require.NoError(t, c.SendPacket(conntest.Context(t), &Packet{Type: message.TypeSharedObjectAMF0, Body: so}))
		amf3, err := amf.AppendAMF0(nil, "custom", 0.0, nil, amf.AVMPlus{Value: amf.Object{{Name: "code", Value: "password-of-a-call"},
			{Name: "a password-of-a-call", Value: []any{"password-of-a-call", amf.ByteArray("password-of-a-call")}}}})
		require.NoError(t, err)
		require.NoError(t, c.SendPacket(conntest.Context(t), &Packet{Type: message.TypeCommandAMF3, Body: append([]byte{0}, amf3...)}))
		require.NoError(t, s.Close())
		require.NoError(t, c.Close())
		<-served
		assert.Empty(t, revealed(t, file.Bytes(), secrets...), "chunk size %d", size)
		session := captured(t, file.Bytes())[0]
		_, commands := summary(t, session)
		assert.Subset(t, commands, []string{"client connect", "server onStatus", "client publish", "client login", "client secureTokenResponse"})
		end, _ := session.End()
		assert.Subset(t, end.Replaced, []string{"publishing name: 4", "SWF verification digest: 1", "shared object: 2"})
		assert.Contains(t, end.Kept, "audio and video")
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestCaptureRevealsNoAnswers checks that a recording does not contain the client's authentication responses, from which the password can be
// guessed.
func TestCaptureRevealsNoAnswers(t *testing.T) {
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		cfg := testserver.Config{Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"my-user-name": "secret word"}}}
		server := rtmptest.Server(t, cfg)
		var file bytes.Buffer
		c, err := Dial(conntest.Context(t), server.URL("live", "out"), &Options{Capture: &file, PublishUser: "my-user-name", PublishPassword: "secret word"})
		require.NoError(t, err)
		require.NoError(t, c.Close())
		sessions := captured(t, file.Bytes())
		require.Len(t, sessions, 3)
		r := sessions[2].Reader()
		var m capture.Message
		require.NoError(t, r.Next(&m))
		for m.Type != message.TypeCommandAMF0 {
			require.NoError(t, r.Next(&m))
		}
		cmd, err := message.ParseCommand(m.Type, m.Body)
		require.NoError(t, err)
		app, _ := cmd.Object.(amf.Object).Get("app")
		assert.Regexp(t, `^live\?authmod=(adobe|llnw)&user=secret\d+x*&.*response=secret\d+x*(&|$)`, app)
		assert.Empty(t, revealed(t, file.Bytes(), "my-user-name", "secret word"))

		// The replaying server sends the challenges but does not check the responses.
		addr := replayed(t, sessions...)
		c, err = Dial(conntest.Context(t), "rtmp://"+addr+"/live/out", &Options{PublishUser: "somebody", PublishPassword: "else"})
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
}

// TestCaptureOfABadWriter checks that a writer that fails or blocks ends the recording, but not the connection.
func TestCaptureOfABadWriter(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{})
	for name, w := range map[string]io.Writer{"fails": failing{}, "panics not, but is short": short{}} {
		got, err := download(conntest.Context(t), server.URL("vod", "sample"), &Options{Capture: w}, nil)
		require.NoError(t, err, name)
		assert.True(t, bytes.Equal(testserver.Sample, got))
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

type short struct{}

func (short) Write(b []byte) (int, error) { return len(b) / 2, io.ErrShortWrite }
