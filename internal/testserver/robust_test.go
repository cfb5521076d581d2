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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var publish func()
	s := testserver.Serve(watched{l, func(b []byte) {
		if bytes.Contains(b, []byte("NetStream.Play.Start")) {
			publish()
		}
	}}, testserver.Config{})
	t.Cleanup(s.Close)
	publisher := connected(t, s)
	id := publisher.publish("cam", "live")
	tag := flv.Tag{Type: flv.TagAudio, Timestamp: 1, Body: []byte{0xAF, 1, 'a'}}
	publish = func() { // before Play.Start can have reached anybody
		publisher.sendTags(id, tag)
		publisher.sync()
	}
	viewer := connected(t, s)
	viewer.play("cam", -1000.0)
	viewer.untilCode("NetStream.Play.Start")
	got := viewer.until(func(m received) bool { return m.typ == message.TypeAudio })
	assert.Equal(t, tag.Body, got.body)
}

// What a client that answers nothing can make the server keep is bounded, and no goroutine is among it.
func TestBandwidthChecksWithoutAnswers(t *testing.T) {
	c := connected(t, start(t, testserver.Config{}))
	c.sync()
	before := runtime.NumGoroutine()
	checks := 0
	for range 1000 {
		c.tell(0, "_checkbw")
	}
	c.control(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingRequest, 1))
	c.until(func(m received) bool {
		if m.command.Name == "_onbwcheck" {
			checks++
		}
		return m.event.Event == message.EventPingResponse
	})
	assert.LessOrEqual(t, runtime.NumGoroutine(), before+10, "others may have some under way")
	assert.Positive(t, checks)
	assert.LessOrEqual(t, checks, 256)
}

// Calls of the server are bounded likewise.
func TestCallsWithoutAnswers(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	c := connected(t, start(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }}))
	session := <-sessions
	err := error(nil)
	for i := 0; err == nil; i++ {
		require.Less(t, i, 300)
		_, err = session.Call("question")
	}
	c.sync()
}

// A handler that panics has failed, and takes nobody with it.
func TestHandlerPanics(t *testing.T) {
	var served atomic.Int32
	c := connected(t, start(t, testserver.Config{Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
		"add": func(_ *testserver.Session, call message.Command) (any, error) {
			served.Add(1)
			return call.Args[0].(float64) + call.Args[1].(float64), nil
		},
		"panic": func(*testserver.Session, message.Command) (any, error) { panic(errors.New("no")) },
	}}))
	assert.Equal(t, "_error", c.call("add", nil, "1").command.Name)
	assert.Equal(t, "_error", c.call("add", nil).command.Name)
	assert.Equal(t, "_error", c.call("panic", nil).command.Name)
	c.tell(0, "panic")
	assert.Equal(t, []any{3.0}, c.call("add", nil, 1, 2).command.Args)
	assert.EqualValues(t, 3, served.Load())
}
