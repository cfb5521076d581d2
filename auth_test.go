package rtmp

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestPublisherAuthentication(t *testing.T) {
	want := rtmptest.SampleTags(t)
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		t.Run(string(scheme), func(t *testing.T) {
			cfg := testserver.Config{Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"me": "secret word"}}}
			server, recorded := rtmptest.Recorder(t, cfg)
			for name, test := range map[string]struct {
				user, password, fault string
			}{
				"wrong password": {"me", "guess", "wrong password"},
				"unknown user":   {"you", "secret word", "no such user"},
				"no password":    {"me", "", "set PublishUser and PublishPassword: server: "},
			} {
				_, err := Dial(conntest.Context(t), server.URL("live", "out"), &Options{PublishUser: test.user, PublishPassword: test.password})
				var refused *StatusError
				require.ErrorAs(t, err, &refused, name)
				assert.Equal(t, "NetConnection.Connect.Rejected", refused.Code)
				assert.ErrorContains(t, err, test.fault)
				assert.NotContains(t, err.Error(), "secret word")
			}
			_, err := Dial(conntest.Context(t), server.URL("live", "out"), &Options{Publish: true})
			require.ErrorContains(t, err, "put user:password@ before the host, or set PublishUser and PublishPassword: server: ")
			require.ErrorContains(t, err, "authmod")

			url := "rtmp://me:secret%20word@" + server.Addr() + "/live/out"
			c, s := publishing(t, url, &Options{Publish: true})
			_, err = io.Copy(s, bytes.NewReader(testserver.Sample))
			require.NoError(t, err)
			require.NoError(t, c.Close())
			rtmptest.EqualTags(t, want, rtmptest.Tags(t, recorded("out")))
		})
	}
}

// TestSecureToken checks that the client answers the challenge in connect's result before it sends anything else, as librtmp does.
func TestSecureToken(t *testing.T) {
	answer := make(chan *message.Command, 1)
	url := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		p.Call(0, "_result", cmd.TransactionID, amf.Object{{Name: "a", Value: amf.Object{{Name: "secureToken",
			Value: "58656322c972d6cdf2d776167575045f8484ea888e31c086f7b5ffbd0baec55ce442c2fb"}}}},
			message.StatusObject("status", "NetConnection.Connect.Success", ""))
		answer <- p.Expect("secureTokenResponse")
		p.UntilGone()
	})
	c := dialed(t, url, &Options{Token: "foo#bar", BackgroundRead: true})
	got := <-answer
	assert.Zero(t, got.TransactionID)
	assert.Equal(t, []any{"\xe9\x68\x47\x2d\xf7\xe6\x53\xff\x12\xb2\x0c\xc6\x37\x50\x5f\xc6\x7d\xbc\xec\x65\x23\x73\xf9\x23" +
		"\x5b\x80\x8f\xce\xcc\xdd\x5d\x3b\x49\x3e\xb3\x46"}, got.Args)
	require.NoError(t, c.Err())
}

func TestAuthenticationEndsWithoutApp(t *testing.T) {
	var connects atomic.Int32
	server := rtmptest.Server(t, testserver.Config{Refuse: func(message.Command) amf.Object {
		if connects.Add(1) > 10 {
			return message.StatusObject("error", "NetConnection.Connect.Rejected", "enough")
		}
		return message.StatusObject("error", "NetConnection.Connect.Rejected",
			"[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ")
	}})
	_, err := Dial(conntest.Context(t), "rtmp://me:secret@"+server.Addr(), nil)
	require.ErrorAs(t, err, new(*StatusError))
	require.ErrorContains(t, err, auth.ErrRefused.Error())
	require.Equal(t, 1, strings.Count(err.Error(), "rtmp:"), err)
}
