package rtmp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// TestRefusedPlayer checks that the error of CreateStream says what to do if the server does not accept the SWF player, and also contains what
// the server has said before it has hung up.
func TestRefusedPlayer(t *testing.T) {
	s := servertest.NewServer(&server.App{Player: &server.SWF{Hash: bytes.Repeat([]byte{1}, 32), Size: 100}})
	defer s.Close()
	for _, test := range []struct {
		o          Options
		said, hint string
	}{
		{Options{}, "NetStream.Play.Failed", "set SWFVerify, or SWFHash and SWFSize"},
		{Options{SWFHash: bytes.Repeat([]byte{2}, 32), SWFSize: 100}, "NetConnection.Connect.Rejected", "check SWFHash and SWFSize, or SWFURL"},
		{Options{SWFHash: bytes.Repeat([]byte{1}, 32), SWFSize: 101}, "NetConnection.Connect.Rejected", "check SWFHash and SWFSize, or SWFURL"},
	} {
		c := dialed(t, s.URL("live/x"), &test.o)
		_, err := c.CreateStream(conntest.Context(t), nil)
		require.ErrorContains(t, err, test.hint)
		var refused *StatusError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, test.said, refused.Code)
		assert.Equal(t, test.said == message.CodePlayFailed, c.Connected())
	}
}

// TestRefusedToken checks that the error of CreateStream says what to do about a SecureToken challenge.
func TestRefusedToken(t *testing.T) {
	s := servertest.NewServer(&server.App{Token: "hush"})
	defer s.Close()
	for token, hint := range map[string]string{"": "challenge: set Token", "wrong": "challenge: check Token"} {
		c := dialed(t, s.URL("live/x"), &Options{Token: token})
		_, err := c.CreateStream(conntest.Context(t), nil)
		require.ErrorContains(t, err, hint)
		require.ErrorAs(t, err, new(*StatusError))
	}
}
