package testserver_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// closeInTime fails the test if Close hangs. TestMain detects leaked goroutines.
func closeInTime(t *testing.T, s *testserver.Server) {
	t.Helper()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.Close()
	}()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Fatal("Close hangs")
	}
	_, err := net.Dial("tcp", s.Addr())
	assert.Error(t, err, "the listener is closed")
	s.Close() // a second call has no effect
}

func TestCloseWithoutClients(t *testing.T) {
	s, err := testserver.Start(testserver.Config{})
	require.NoError(t, err)
	closeInTime(t, s)
}

// TestCloseDuringCall closes the server while a handler waits for an answer that never comes.
func TestCloseDuringCall(t *testing.T) {
	waiting, over := make(chan struct{}), make(chan bool, 1)
	s := rtmptest.Server(t, testserver.Config{Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
		"ask": func(s *testserver.Session, _ message.Command) (any, error) {
			answer, err := s.Call("question")
			if err != nil {
				return nil, err
			}
			close(waiting)
			_, ok := <-answer
			over <- ok
			return nil, nil
		},
	}})
	c := peertest.Connect(t, s.Addr())
	c.Tell(0, "ask")
	<-waiting
	closeInTime(t, s)
	assert.False(t, <-over)
	require.Error(t, c.UntilGone())
}

// TestCloseWhileConnecting closes the server while clients connect and leave.
func TestCloseWhileConnecting(t *testing.T) {
	for range 20 {
		s, err := testserver.Start(testserver.Config{})
		require.NoError(t, err)
		dialled := make(chan struct{})
		go func() {
			defer close(dialled)
			for {
				nc, err := net.Dial("tcp", s.Addr())
				if err != nil {
					return
				}
				nc.Write([]byte{3})
				nc.Close()
			}
		}()
		closeInTime(t, s)
		<-dialled
	}
}

// TestCloseWhilePacing checks that Close does not wait for paced players.
func TestCloseWhilePacing(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Realtime: true})
	c := peertest.Connect(t, s.Addr())
	c.Play("sample")
	c.Until(func(m peertest.Message) bool { return m.Type == message.TypeVideo })
	closeInTime(t, s)
}

// TestSessionClose checks that the server can end a session.
func TestSessionClose(t *testing.T) {
	sessions := make(chan *testserver.Session, 2)
	s := rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }})
	one := peertest.Connect(t, s.Addr())
	first := <-sessions // received now, since a later session could be received instead
	two := peertest.Connect(t, s.Addr())
	second := <-sessions
	first.Close()
	require.Error(t, one.UntilGone())
	require.NoError(t, second.Send(chunk.Outgoing{Type: 99, ChunkStreamID: 9, Body: []byte("hello")}))
	m := two.Next()
	assert.EqualValues(t, 99, m.Type)
	assert.Equal(t, []byte("hello"), m.Body)
	assert.Error(t, first.Notify("too late"))
}
