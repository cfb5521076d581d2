package server_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestStreamsOfAnotherApp checks that a client that has connected with an empty app can't use the streams of another application, since
// that application's hooks have not been called for the client.
func TestStreamsOfAnotherApp(t *testing.T) {
	asked := make(chan string, 10)
	other := &server.App{
		Publish: func(_ context.Context, r *server.Request) error { asked <- r.Path; return nil },
		Play:    func(_ context.Context, r *server.Request) error { asked <- r.Path; return nil },
	}
	p := newPeer(t, start(t, &server.Server{Apps: map[string]*server.App{"live": {}, "*": other}}))
	p.connect("")
	id := p.CreateStream()
	for _, name := range []string{"live/x", "live", "flv:live/x?a=b"} {
		p.command(id, "publish", 3, nil, name, "live")
		assert.Equal(t, message.CodePublishDenied, p.status(), name)
		p.command(id, "play", 4, nil, name)
		assert.Equal(t, message.CodePlayFailed, p.status(), name)
	}
	assert.Empty(t, asked)
	p.command(id, "publish", 3, nil, "lively/x", "live")
	assert.Equal(t, message.CodePublishStart, p.status())
	assert.Equal(t, "lively/x", <-asked)
}
