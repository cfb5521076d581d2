package testserver_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// closeInTime fails the test if Close hangs. That nothing is left behind is TestMain's to find.
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
	assert.Error(t, err, "nobody listens")
	s.Close() // again: nothing happens
}

func TestCloseWithoutClients(t *testing.T) {
	s, err := testserver.Start(testserver.Config{})
	require.NoError(t, err)
	closeInTime(t, s)
}

// A handler waits for an answer that never comes.
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

// Many goroutines wait for answers.
func TestCloseWithCallsOutstanding(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	s := rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }})
	c := peertest.Connect(t, s.Addr())
	session := <-sessions
	var answers []<-chan message.Command
	for range 10 {
		answer, err := session.Call("question")
		require.NoError(t, err)
		answers = append(answers, answer)
		c.Tell(0, "_checkbw") // the server waits for an answer to a call of its own
	}
	c.Sync()
	closeInTime(t, s)
	for _, answer := range answers {
		_, ok := <-answer
		assert.False(t, ok)
	}
}

// Everybody is in the middle of something, and nobody reads any more.
func TestCloseWithClientsActive(t *testing.T) {
	var file []byte // more than the system's buffers hold, so that players are in mid-write
	file = flv.AppendFileHeader(file, flv.FileHeader{HasVideo: true})
	for i := range uint32(40) {
		file = flv.AppendTag(file, flv.Tag{Type: flv.TagVideo, Timestamp: i, Body: bytes.Repeat([]byte{0x27}, 1<<20)})
	}
	s := rtmptest.Server(t, testserver.Config{RecordDir: t.TempDir(), ChunkSize: 1 << 20,
		Files: map[string][]byte{"sample": testserver.Sample, "big": file}})
	publisher := peertest.Connect(t, s.Addr())
	id := publisher.Publish("cam", "live")
	for range 3 {
		view(peertest.Connect(t, s.Addr()), "cam")
		view(peertest.Connect(t, s.Addr()), "not there")
		player := peertest.Connect(t, s.Addr())
		player.Play("big")
		player.UntilCode("NetStream.Play.Start")
		paused := peertest.Connect(t, s.Addr())
		stream := paused.Play("sample")
		paused.Tell(stream, "pause", true, 0)
		paused.UntilCode("NetStream.Pause.Notify")
		useShared(peertest.Connect(t, s.Addr()), "object")
	}
	unfinished, err := net.Dial("tcp", s.Addr()) // in the handshake
	require.NoError(t, err)
	defer unfinished.Close()
	rtmptest.SendTags(publisher, id, rtmptest.SampleTags(t)...)
	publisher.Sync()
	closeInTime(t, s)
	require.Error(t, publisher.UntilGone())
}

// Clients that come and go while Close is under way.
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

// Paced players wait for their time, not for a client.
func TestCloseWhilePacing(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Realtime: true})
	c := peertest.Connect(t, s.Addr())
	c.Play("sample")
	c.Until(func(m peertest.Message) bool { return m.Type == message.TypeVideo })
	closeInTime(t, s)
}

// A session can be ended by the server alone.
func TestSessionClose(t *testing.T) {
	sessions := make(chan *testserver.Session, 2)
	s := rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }})
	one := peertest.Connect(t, s.Addr())
	first := <-sessions // before another is there, or it could be that one's
	two := peertest.Connect(t, s.Addr())
	second := <-sessions
	first.Close()
	require.Error(t, one.UntilGone())
	require.NoError(t, second.SendRaw([]byte{2, 0, 0, 0, 0, 0, 4, 99, 0, 0, 0, 0, 'r', 'a', 'w', '!'}))
	m := two.Next()
	assert.EqualValues(t, 99, m.Type)
	assert.Equal(t, []byte("raw!"), m.Body)
	assert.Error(t, first.Notify("too late"))
}
