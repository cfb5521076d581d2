package testserver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
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
			if test.answer == "_result" {
				select {
				case <-accepted:
				case <-conntest.Context(t).Done():
					t.Error("OnConnect runs for clients that are accepted")
				}
				return
			}
			c.Sync()
			assert.Empty(t, accepted)
		})
	}
}

// TestConnectAnnounces checks the messages before the answer to connect, and the agreed object encoding.
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

	c.Tell(0, "add", 1, 2) // transaction id 0: no answer
	c.Tell(0, "subtract", 1, 2)
	c.Sync()
	assert.Empty(t, c.Skipped)
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
		assert.Equal(t, message.Command{Name: answer, Args: []any{"right"}}, <-got)
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
