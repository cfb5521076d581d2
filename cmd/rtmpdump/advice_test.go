package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestAdviceNamesFlags checks that errors, warnings and the summary say which flags to use, and not which fields of the library.
func TestAdviceNamesFlags(t *testing.T) {
	demands := func(message.Command) amf.Object {
		return message.StatusObject("error", "NetConnection.Connect.Rejected", "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ")
	}
	otherPlayer := &testserver.Player{Hash: make([]byte, 32), Size: testPlayer.Size}
	for _, test := range []struct {
		config testserver.Config
		args   string
		want   string
	}{
		{testserver.Config{Player: testPlayer}, "-r URL/sample", "set --swfVfy, or --swfhash and --swfsize"},
		{testserver.Config{Player: otherPlayer}, "-r URL/sample -W SWF", "check --swfhash and --swfsize, or --swfVfy"},
		{testserver.Config{Token: "hush"}, "-r URL/sample", "challenge: set --token"},
		{testserver.Config{Token: "hush"}, "-r URL/sample -T other", "challenge: check --token"},
		{testserver.Config{Refuse: demands}, "-r URL/sample", "put user:password@ before the host"},
		{testserver.Config{}, "-r URL/sample --proxy ftp://x", "option --proxy or --socks: "},
		{testserver.Config{Scheme: "rtmps"}, "-r URL/sample", "add it, or the certificate itself, to the file that"},
		{testserver.Config{}, "-i URL/sample_swfVfy=1", "option swfVfy: needs swfUrl"},
	} {
		got := attempt(t, ours, test.config, test.args+" -o FILE --json", nil)
		assert.Contains(t, got.stderr, test.want, test.args)
		assert.Contains(t, string(got.stdout), test.want, test.args)
		assert.NotRegexp(t, `SWF[A-Z]|[^a-z-]Token|Proxy|PublishUser|TLSConfig`, got.stderr+string(got.stdout), test.args)
	}
}
