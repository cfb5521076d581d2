package server_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestErrorsHaveOnePrefix checks that the text of an error begins with "rtmp: ", and contains each phase only once, as in package rtmp.
func TestErrorsHaveOnePrefix(t *testing.T) {
	errs := make(map[string]error)
	s := &server.Server{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	ctx := background(t)
	ours, theirs := conntest.Pair(t)
	theirs.Write([]byte("PROXY nonsense\r\n"))
	errs["PROXY protocol"] = s.ServeConn(ctx, ours)
	pub, err := s.Publish(ctx, "live/x")
	require.NoError(t, err)
	_, errs["published"] = s.Publish(ctx, "live/x")
	_, errs["path"] = s.Publish(ctx, "live/../x")
	_, errs["subscriber's path"] = s.Subscribe(ctx, "", server.SubscribeOptions{})
	_, errs["not FLV"] = pub.Write([]byte("not FLV, not FLV, not FLV"))
	errs["not media"] = pub.WritePacket(&message.Packet{Type: message.TypeCommandAMF0})
	errs["not AMF"] = pub.WriteData("onCuePoint", make(chan int))
	sub, err := s.Subscribe(ctx, "live/x", server.SubscribeOptions{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, errs["closed"] = pub.Write(testserver.Sample)
	_, errs["subscriber, closed"] = sub.Next(ctx)
	errs["server closed"] = s.Serve(conntest.Listen(t))
	errs["denied"] = server.Deny("wrong key")
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
