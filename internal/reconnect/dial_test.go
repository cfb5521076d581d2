package reconnect

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestRequestWhileDialing checks a request to reconnect that arrives before the answer to connect. It must be followed after the answer,
// but only if the options allow it.
func TestRequestWhileDialing(t *testing.T) {
	for _, test := range []struct {
		name, tcURL string
		follow      rtmp.ReconnectPolicy
		want        int
	}{
		{"here", "/other", rtmp.FollowSameHost, 1},
		{"elsewhere", "rtmp://example.com/other", rtmp.FollowSameHost, 0},
		{"never", "/other", rtmp.FollowNone, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "onStatus", Args: []any{append(
				message.StatusObject("status", message.CodeConnectReconnectRequest, ""), amf.Property{Name: "tcUrl", Value: test.tcURL})}})
			require.NoError(t, err)
			s := rtmptest.Server(t, testserver.Config{OnMessage: func(s *testserver.Session, m *chunk.Message) {
				if cmd, _ := message.ParseCommand(message.Type(m.Type), m.Body()); cmd.Name == "connect" {
					s.Send(request)
				}
			}})
			var moved []*Moved
			c, err := Dial(conntest.Context(t), s.URL("vod", "sample"), &rtmp.Options{FollowReconnect: test.follow}, func(m *Moved) { moved = append(moved, m) })
			require.NoError(t, err)
			defer c.Close()
			require.Len(t, moved, test.want)
			for _, m := range moved {
				u, err := rtmp.ParseURL(m.URL)
				require.NoError(t, err)
				assert.Equal(t, s.Addr(), u.Authority())
				assert.Contains(t, m.Options.TCURL, "/other")
			}
		})
	}
}
