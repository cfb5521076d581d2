package testserver_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// watched is a listener whose connections call writes with the bytes that the server is about to send.
type watched struct {
	net.Listener
	writes func(b []byte)
}

func (w watched) Accept() (net.Conn, error) {
	nc, err := w.Listener.Accept()
	return watchedConn{nc, w.writes}, err
}

type watchedConn struct {
	net.Conn
	writes func(b []byte)
}

func (w watchedConn) Write(b []byte) (int, error) {
	w.writes(b)
	return w.Conn.Write(b)
}

// TestPlayersMissNothingAfterPlayStart checks that a client receives everything that is published after the server has sent it Play.Start.
func TestPlayersMissNothingAfterPlayStart(t *testing.T) {
	l := conntest.Listen(t)
	var publish func()
	s := testserver.Serve(watched{l, func(b []byte) {
		if bytes.Contains(b, []byte("NetStream.Play.Start")) {
			publish()
		}
	}}, testserver.Config{})
	t.Cleanup(s.Close)
	publisher := peertest.Connect(t, s.Addr())
	id := publisher.Publish("cam", "live")
	tag := flv.Tag{Type: flv.TagAudio, Timestamp: 1, Body: []byte{0xAF, 1, 'a'}}
	publish = func() { // before Play.Start can have reached the client
		rtmptest.SendTags(publisher, id, tag)
		publisher.Sync()
	}
	viewer := peertest.Connect(t, s.Addr())
	viewer.Play("cam", -1000.0)
	viewer.UntilCode("NetStream.Play.Start")
	got := viewer.Until(func(m peertest.Message) bool { return m.Type == message.TypeAudio })
	assert.Equal(t, tag.Body, got.Body)
}
