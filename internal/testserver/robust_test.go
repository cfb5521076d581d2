package testserver_test

import (
	"bytes"
	"errors"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// watched is a listener whose connections let a test see what the server writes, before it leaves.
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

// Who has been told that it plays misses nothing of what is published from then on.
func TestViewerIsThereWhenItIsTold(t *testing.T) {
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
	publish = func() { // before Play.Start can have reached anybody
		rtmptest.SendTags(publisher, id, tag)
		publisher.Sync()
	}
	viewer := peertest.Connect(t, s.Addr())
	viewer.Play("cam", -1000.0)
	viewer.UntilCode("NetStream.Play.Start")
	got := viewer.Until(func(m peertest.Message) bool { return m.Type == message.TypeAudio })
	assert.Equal(t, tag.Body, got.Body)
}

// What a client that answers nothing can make the server keep is bounded, and no goroutine is among it.
func TestBandwidthChecksWithoutAnswers(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	c.Sync()
	before := runtime.NumGoroutine()
	checks := 0
	for range 1000 {
		c.Tell(0, "_checkbw")
	}
	c.Control(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingRequest, 1))
	c.Until(func(m peertest.Message) bool {
		if m.Command.Name == "_onbwcheck" {
			checks++
		}
		return m.Event.Event == message.EventPingResponse
	})
	assert.LessOrEqual(t, runtime.NumGoroutine(), before+10, "others may have some under way")
	assert.Positive(t, checks)
	assert.LessOrEqual(t, checks, 256)
}

// Calls of the server are bounded likewise.
func TestCallsWithoutAnswers(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }}).Addr())
	session := <-sessions
	err := error(nil)
	for i := 0; err == nil; i++ {
		require.Less(t, i, 300)
		_, err = session.Call("question")
	}
	c.Sync()
}

// A handler that panics has failed, and takes nobody with it.
func TestHandlerPanics(t *testing.T) {
	var served atomic.Int32
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
		"add": func(_ *testserver.Session, call message.Command) (any, error) {
			served.Add(1)
			return call.Args[0].(float64) + call.Args[1].(float64), nil
		},
		"panic": func(*testserver.Session, message.Command) (any, error) { panic(errors.New("no")) },
	}}).Addr())
	assert.Equal(t, "_error", c.Call("add", nil, "1").Command.Name)
	assert.Equal(t, "_error", c.Call("add", nil).Command.Name)
	assert.Equal(t, "_error", c.Call("panic", nil).Command.Name)
	c.Tell(0, "panic")
	assert.Equal(t, []any{3.0}, c.Call("add", nil, 1, 2).Command.Args)
	assert.EqualValues(t, 3, served.Load())
}
