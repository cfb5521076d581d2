package testserver_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
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
	s := start(t, testserver.Config{Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
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
	c := connected(t, s)
	c.tell(0, "ask")
	<-waiting
	closeInTime(t, s)
	assert.False(t, <-over)
	require.Error(t, c.untilGone())
}

// Many goroutines wait for answers.
func TestCloseWithCallsOutstanding(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	s := start(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }})
	c := connected(t, s)
	session := <-sessions
	var answers []<-chan message.Command
	for range 10 {
		answer, err := session.Call("question")
		require.NoError(t, err)
		answers = append(answers, answer)
		c.tell(0, "_checkbw") // the server waits for an answer to a call of its own
	}
	c.sync()
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
	s := start(t, testserver.Config{RecordDir: t.TempDir(), ChunkSize: 1 << 20,
		Files: map[string][]byte{"sample": testserver.Sample, "big": file}})
	publisher := connected(t, s)
	id := publisher.publish("cam", "live")
	for range 3 {
		connected(t, s).view("cam")
		connected(t, s).view("not there")
		player := connected(t, s)
		player.play("big")
		player.untilCode("NetStream.Play.Start")
		paused := connected(t, s)
		stream := paused.play("sample")
		paused.tell(stream, "pause", true, 0)
		paused.untilCode("NetStream.Pause.Notify")
		useShared(connected(t, s), "object")
	}
	unfinished, err := net.Dial("tcp", s.Addr()) // in the handshake
	require.NoError(t, err)
	defer unfinished.Close()
	publisher.sendTags(id, sampleTags(t)...)
	publisher.sync()
	closeInTime(t, s)
	require.Error(t, publisher.untilGone())
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
	s := start(t, testserver.Config{Realtime: true})
	c := connected(t, s)
	c.play("sample")
	c.until(func(m received) bool { return m.typ == message.TypeVideo })
	closeInTime(t, s)
}

// A session can be ended by the server alone.
func TestSessionClose(t *testing.T) {
	sessions := make(chan *testserver.Session, 2)
	s := start(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }})
	one := connected(t, s)
	first := <-sessions // before another is there, or it could be that one's
	two := connected(t, s)
	second := <-sessions
	first.Close()
	require.Error(t, one.untilGone())
	require.NoError(t, second.SendRaw([]byte{2, 0, 0, 0, 0, 0, 4, 99, 0, 0, 0, 0, 'r', 'a', 'w', '!'}))
	m := two.next()
	assert.EqualValues(t, 99, m.typ)
	assert.Equal(t, []byte("raw!"), m.body)
	assert.Error(t, first.Notify("too late"))
}
