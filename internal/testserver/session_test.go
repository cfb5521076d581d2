package testserver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestConnect(t *testing.T) {
	refusal := amf.Object{{Name: "code", Value: "NetConnection.Connect.Rejected"}, {Name: "level", Value: "error"}}
	for name, test := range map[string]struct {
		cfg    testserver.Config
		object any
		answer string
		code   string
	}{
		"any app":       {testserver.Config{}, amf.Object{{Name: "app", Value: "x"}}, "_result", "NetConnection.Connect.Success"},
		"known app":     {testserver.Config{Apps: []string{"a", "b"}}, amf.Object{{Name: "app", Value: "b"}}, "_result", "NetConnection.Connect.Success"},
		"wrong app":     {testserver.Config{Apps: []string{"a"}}, amf.Object{{Name: "app", Value: "b"}}, "_error", "NetConnection.Connect.InvalidApp"},
		"no app":        {testserver.Config{Apps: []string{"a"}}, amf.Object{}, "_error", "NetConnection.Connect.InvalidApp"},
		"app a number":  {testserver.Config{Apps: []string{"a"}}, amf.Object{{Name: "app", Value: 1}}, "_error", "NetConnection.Connect.InvalidApp"},
		"no object":     {testserver.Config{}, nil, "_result", "NetConnection.Connect.Success"},
		"object a text": {testserver.Config{}, "text", "_result", "NetConnection.Connect.Success"},
		"refused":       {testserver.Config{Refuse: func(message.Command) amf.Object { return refusal }}, amf.Object{}, "_error", "NetConnection.Connect.Rejected"},
		"not refused":   {testserver.Config{Refuse: func(message.Command) amf.Object { return nil }}, amf.Object{}, "_result", "NetConnection.Connect.Success"},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := make(chan *testserver.Session, 1)
			test.cfg.OnConnect = func(s *testserver.Session) { accepted <- s }
			c := peertest.Dial(t, rtmptest.Server(t, test.cfg).Addr())
			answer := c.Call("connect", test.object)
			assert.Equal(t, test.answer, answer.Command.Name)
			assert.Equal(t, test.code, answer.Code)
			c.Sync()
			assert.Equal(t, test.answer == "_result", len(accepted) == 1, "OnConnect runs for clients that are accepted")
		})
	}
}

// What comes before the answer to connect, and the encoding that both can.
func TestConnectAnnounces(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	s := rtmptest.Server(t, testserver.Config{ChunkSize: 777, WindowAckSize: 12345, OnConnect: func(s *testserver.Session) { sessions <- s }})
	c := peertest.Dial(t, s.Addr())
	object := amf.Object{{Name: "app", Value: "live"}, {Name: "objectEncoding", Value: 3.0}}
	answer := c.Call("connect", object)
	require.Len(t, c.Skipped, 4)
	assert.Equal(t, message.TypeWindowAckSize, c.Skipped[0].Type)
	assert.Equal(t, message.AppendUint32(nil, 12345), c.Skipped[0].Body)
	assert.Equal(t, message.TypeSetPeerBandwidth, c.Skipped[1].Type)
	assert.Equal(t, message.EventStreamBegin, c.Skipped[2].Event.Event)
	assert.Equal(t, message.TypeSetChunkSize, c.Skipped[3].Type)
	assert.Equal(t, 777, c.In.ChunkSize())
	information, ok := answer.Command.Args[0].(amf.Object)
	require.True(t, ok)
	encoding, _ := information.Get("objectEncoding")
	assert.Equal(t, 3.0, encoding)

	session := <-sessions
	assert.Equal(t, object, session.Connect().Object)
	assert.Equal(t, s.Addr(), c.Conn.RemoteAddr().String())
	assert.Equal(t, "rtmp://"+s.Addr()+"/live/cam", s.URL("live", "cam"))
}

func TestLimitsOfASession(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }}).Addr())
	for want := range uint32(64) {
		require.Equal(t, want+1, c.CreateStream())
	}
	assert.Equal(t, "_error", c.Call("createStream", nil).Command.Name)
	c.Tell(0, "deleteStream", 7)
	assert.EqualValues(t, 65, c.CreateStream(), "ids are not used again")

	for range 5000 {
		c.Tell(0, "nothing")
	}
	c.Sync()
	assert.Len(t, (<-sessions).Commands(), 4096)
}

// Commands on streams that do not exist, and messages that make no sense.
func TestMisuse(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	c.Send(peertest.Command(9, "play", 17, nil, "sample"))
	answer := c.Next()
	assert.Equal(t, "_error", answer.Command.Name)
	assert.Equal(t, 17.0, answer.Command.TransactionID)
	c.Tell(0, "deleteStream", 99)
	c.Tell(0, "deleteStream", "text")
	c.Tell(0, "_result", 1)
	id := c.CreateStream()
	c.Tell(id, "pause", true)
	c.Tell(id, "seek")
	assert.Equal(t, "NetStream.Seek.InvalidTime", c.Next().Code)
	c.Send(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 4, StreamID: id, Body: []byte{1}})
	c.Send(chunk.Outgoing{Type: 200, ChunkStreamID: 4, Body: []byte{1}})
	c.Sync()
	assert.Empty(t, c.Skipped)

	for name, bad := range map[string]chunk.Outgoing{
		"command":       {Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Body: []byte{9, 9}},
		"user control":  {Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0}},
		"window":        {Type: uint8(message.TypeWindowAckSize), ChunkStreamID: 2, Body: []byte{0}},
		"shared object": {Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Body: []byte{0}},
	} {
		t.Run(name, func(t *testing.T) {
			c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
			c.Send(bad)
			assert.Error(t, c.UntilGone(), "the server hangs up")
		})
	}
}

func TestAcknowledgements(t *testing.T) {
	const handshakeSize = 1 + 2*1536 // C0, C1 and C2
	sessions := make(chan *testserver.Session, 1)
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }}).Addr())
	c.Control(message.TypeWindowAckSize, message.AppendUint32(nil, 10_000))
	c.Sync()
	// With each, half a window is over: an Acknowledgement follows at once, and says more each time.
	body := make([]byte, 6000)
	var sum, last uint32
	for range 5 {
		c.Send(chunk.Outgoing{Type: 200, ChunkStreamID: 4, Body: body})
		sum += uint32(len(body))
		m := c.Until(func(m peertest.Message) bool { return m.Type == message.TypeAcknowledgement })
		count, err := message.Uint32(m.Type, m.Body)
		require.NoError(t, err)
		assert.Greater(t, count, last)
		assert.Greater(t, count, handshakeSize+sum, "headers count as well")
		assert.Less(t, count, handshakeSize+sum+2000, "and little else")
		last = count
	}
	c.Control(message.TypeAcknowledgement, message.AppendUint32(nil, 0xFFFFFFF0))
	c.Sync()
	assert.EqualValues(t, uint32(0xFFFFFFF0), (<-sessions).Acknowledged())
}

func TestPing(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	pongs := make(chan message.UserControl, 1)
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{
		OnConnect: func(s *testserver.Session) { sessions <- s },
		OnMessage: func(_ *testserver.Session, m *chunk.Message) {
			if u, err := message.ParseUserControl(m.Body()); err == nil && message.Type(m.Type) == message.TypeUserControl {
				pongs <- message.UserControl{Event: u.Event, Value: u.Value}
			}
		}}).Addr())
	require.NoError(t, (<-sessions).Ping(99))
	ping := c.UntilEvent(message.EventPingRequest)
	assert.EqualValues(t, 99, ping.Event.Value)
	c.Control(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingResponse, 99))
	assert.Equal(t, message.UserControl{Event: message.EventPingResponse, Value: 99}, <-pongs)
}

func TestCallsOfTheClient(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
		"add": func(_ *testserver.Session, cmd message.Command) (any, error) {
			a, okA := cmd.Args[0].(float64)
			b, okB := cmd.Args[1].(float64)
			if !okA || !okB {
				return nil, errors.New("not numbers")
			}
			return a + b, nil
		},
		"back": func(s *testserver.Session, cmd message.Command) (any, error) {
			return nil, s.Notify("called", cmd.Args...)
		},
	}}).Addr())
	answer := c.Call("add", nil, 1, 2)
	assert.Equal(t, "_result", answer.Command.Name)
	assert.Equal(t, []any{3.0}, answer.Command.Args)
	answer = c.Call("add", nil, 1, "2")
	assert.Equal(t, "_error", answer.Command.Name)
	assert.Equal(t, "NetConnection.Call.Failed", answer.Code)
	assert.Equal(t, "not numbers", message.ParseStatus(answer.Command.Args).Description)
	assert.Equal(t, "_error", c.Call("subtract", nil, 1, 2).Command.Name)

	answer = c.Call("back", nil, "x")
	assert.Equal(t, []any{nil}, answer.Command.Args)
	require.Len(t, c.Skipped, 1, "the call back comes first")
	assert.Equal(t, message.Command{Name: "called", Args: []any{"x"}}, c.Skipped[0].Command)

	c.Tell(0, "add", 1, 2) // transaction id 0: nobody wants to know
	c.Tell(0, "subtract", 1, 2)
	c.Sync()
	assert.Empty(t, c.Skipped)

	assert.Equal(t, "_result", c.Call("FCPublish", nil, "cam").Command.Name)
	assert.Equal(t, "onFCPublish", c.Next().Command.Name)
	assert.Equal(t, []any{9.96}, c.Call("getStreamLength", nil, "sample").Command.Args, "the time of the last tag")
	assert.Equal(t, []any{0.0}, c.Call("getStreamLength", nil, "nothing").Command.Args)
	c.Tell(0, "set_playlist")
	assert.Equal(t, "playlist_ready", c.Next().Command.Name)
}

func TestCallsOfTheServer(t *testing.T) {
	sessions := make(chan *testserver.Session, 1)
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{OnConnect: func(s *testserver.Session) { sessions <- s }}).Addr())
	session := <-sessions
	for _, answer := range []string{"_result", "_error"} {
		got, err := session.Call("method", 1, "two")
		require.NoError(t, err)
		call := c.Next().Command
		assert.Equal(t, "method", call.Name)
		assert.Equal(t, []any{1.0, "two"}, call.Args)
		require.NotZero(t, call.TransactionID)
		c.Send(peertest.Command(0, answer, call.TransactionID+100, nil, "for nobody"),
			peertest.Command(0, answer, call.TransactionID, nil, "right"), peertest.Command(0, answer, call.TransactionID, nil, "again"))
		assert.Equal(t, message.Command{Name: answer, TransactionID: call.TransactionID, Args: []any{"right"}}, <-got)
		c.Sync()
	}
	_, err := session.Call("method", func() {})
	assert.Error(t, err, "what AMF can't say")

	outstanding, err := session.Call("never answered")
	require.NoError(t, err)
	require.NoError(t, c.Conn.Close())
	_, ok := <-outstanding
	assert.False(t, ok)
	late, _ := session.Call("too late")
	_, ok = <-late
	assert.False(t, ok)
}

// The calls by which a bandwidth check goes on when the client answers.
func TestCheckBandwidth(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	assert.Equal(t, "_result", c.Call("_checkbw", nil).Command.Name)
	check := c.Next().Command
	require.Equal(t, "_onbwcheck", check.Name)
	c.Send(peertest.Command(0, "_result", check.TransactionID, nil))
	done := c.Next().Command
	assert.Equal(t, "_onbwdone", done.Name)
	assert.Len(t, done.Args, 4)
}
