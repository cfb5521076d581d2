package testserver_test

import (
	"fmt"
	"net"
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

// sendShared sends events about a shared object.
func sendShared(c *peertest.Client, kind message.Type, o message.SharedObject) {
	c.T.Helper()
	body, err := message.AppendSharedObject(nil, kind, &o)
	require.NoError(c.T, err)
	c.Send(chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 3, Body: body})
}

// shared sends one event about an object that is not persistent.
func shared(c *peertest.Client, name string, kind message.SharedEventType, data []byte) {
	c.T.Helper()
	sendShared(c, message.TypeSharedObjectAMF0, message.SharedObject{Name: name,
		Events: []message.SharedEvent{{Type: kind, Data: data}}})
}

// nextShared reads the next shared object message.
func nextShared(c *peertest.Client) message.SharedObject {
	c.T.Helper()
	m := c.Until(func(m peertest.Message) bool { return m.Type == message.TypeSharedObjectAMF0 })
	assert.Zero(c.T, m.StreamID)
	o, err := message.ParseSharedObject(m.Type, m.Body)
	require.NoError(c.T, err)
	return o
}

// useShared makes a client a user of an object, and returns what there is.
func useShared(c *peertest.Client, name string) message.SharedObject {
	c.T.Helper()
	shared(c, name, message.SharedUse, nil)
	o := nextShared(c)
	require.Equal(c.T, message.SharedUseSuccess, o.Events[0].Type)
	require.Equal(c.T, message.SharedClear, o.Events[1].Type)
	return o
}

// pairs encodes properties.
func pairs(t *testing.T, properties ...amf.Property) (data []byte) {
	t.Helper()
	for _, p := range properties {
		var err error
		data, err = message.AppendSharedProperty(data, p.Name, p.Value)
		require.NoError(t, err)
	}
	return data
}

// one is an event of one message.
func one(t *testing.T, o message.SharedObject) message.SharedEvent {
	t.Helper()
	require.Len(t, o.Events, 1)
	return o.Events[0]
}

func TestSharedObject(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{RefuseShared: func(name string) bool { return name == "locked" }})
	a, b := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	assert.Len(t, useShared(a, "users").Events, 2, "nothing yet")
	useShared(b, "users")

	shared(a, "users", message.SharedRequestChange, pairs(t, amf.Property{Name: "x", Value: "1"}))
	o := nextShared(a)
	assert.EqualValues(t, 1, o.Version)
	assert.Equal(t, message.SharedEvent{Type: message.SharedSuccess, Data: []byte("\x00\x01x")}, one(t, o), "the requester is told this")
	o = nextShared(b)
	assert.EqualValues(t, 1, o.Version)
	assert.Equal(t, message.SharedEvent{Type: message.SharedChange, Data: pairs(t, amf.Property{Name: "x", Value: "1"})}, one(t, o))

	data, err := amf.AppendAMF0(nil, "hello", 1)
	require.NoError(t, err)
	shared(b, "users", message.SharedSendMessage, data)
	for _, c := range []*peertest.Client{a, b} {
		assert.Equal(t, message.SharedEvent{Type: message.SharedSendMessage, Data: data}, one(t, nextShared(c)), "all are told")
	}

	late := peertest.Connect(t, s.Addr())
	o = useShared(late, "users")
	require.Len(t, o.Events, 3)
	assert.EqualValues(t, 1, o.Version)
	properties, err := o.Events[2].Properties()
	require.NoError(t, err)
	assert.Equal(t, []amf.Property{{Name: "x", Value: "1"}}, properties)

	shared(late, "users", message.SharedRelease, nil)
	late.Sync()
	shared(b, "users", message.SharedRequestRemove, message.AppendSharedName(nil, "x"))
	for _, c := range []*peertest.Client{a, b} {
		o := nextShared(c)
		assert.EqualValues(t, 2, o.Version)
		assert.Equal(t, message.SharedEvent{Type: message.SharedRemove, Data: []byte("\x00\x01x")}, one(t, o))
	}
	late.Sync()
	assert.Empty(t, late.Skipped, "who has released is told no more")

	for name, kind := range map[string]message.SharedEventType{"locked": message.SharedRequestChange, "unused": message.SharedRequestChange} {
		if name == "locked" {
			useShared(a, name)
		}
		shared(a, name, kind, pairs(t, amf.Property{Name: "x", Value: 1}))
		status, err := one(t, nextShared(a)).Status()
		require.NoError(t, err)
		assert.Equal(t, "error", status.Level, name)
	}
	shared(a, "locked", message.SharedRequestRemove, message.AppendSharedName(nil, "x"))
	status, err := one(t, nextShared(a)).Status()
	require.NoError(t, err)
	assert.Equal(t, "SharedObject.NoWriteAccess", status.Code)

	shared(a, "users", 99, []byte("of no known type"))
	a.Sync()
	assert.Empty(t, a.Skipped)
}

// A persistent object outlives its users.
func TestSharedObjectPersistent(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	for _, persistent := range []bool{false, true} {
		c := peertest.Connect(t, s.Addr())
		name := fmt.Sprint(persistent)
		sendShared(c, message.TypeSharedObjectAMF3, message.SharedObject{Name: name, Persistent: persistent, Events: []message.SharedEvent{
			{Type: message.SharedUse}, {Type: message.SharedRequestChange, Data: pairs(t, amf.Property{Name: "x", Value: true})},
			{Type: message.SharedRelease}}})
		assert.Equal(t, persistent, nextShared(c).Persistent)
		o := useShared(c, name)
		assert.Equal(t, persistent, o.Persistent)
		if persistent {
			assert.Len(t, o.Events, 3)
			assert.EqualValues(t, 1, o.Version)
		} else {
			assert.Len(t, o.Events, 2)
			assert.Zero(t, o.Version)
		}
	}
}

// Objects of the same name in different applications have nothing in common.
func TestSharedObjectsOfApps(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	here, there := peertest.Dial(t, s.Addr()), peertest.Dial(t, s.Addr())
	here.Call("connect", amf.Object{{Name: "app", Value: "here"}})
	there.Call("connect", amf.Object{{Name: "app", Value: "there"}})
	useShared(here, "o")
	useShared(there, "o")
	shared(here, "o", message.SharedRequestChange, pairs(t, amf.Property{Name: "x", Value: 1}))
	nextShared(here)
	there.Sync()
	assert.Empty(t, there.Skipped)
	shared(there, "o", message.SharedRelease, nil)
	assert.Len(t, useShared(there, "o").Events, 2)
}

// Only users of an object may change it.
func TestSharedObjectOfOthers(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	user, other := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	useShared(user, "o")
	for _, kind := range []message.SharedEventType{message.SharedRequestChange, message.SharedRequestRemove, message.SharedSendMessage} {
		shared(other, "o", kind, pairs(t, amf.Property{Name: "x", Value: 1}))
		assert.Equal(t, message.SharedStatus, one(t, nextShared(other)).Type)
	}
	shared(other, "o", message.SharedRelease, nil)
	user.Sync()
	assert.Empty(t, user.Skipped)
}

// A request with many properties at once, more than messages may wait for a client, is one message to everybody.
func TestSharedObjectChangesAtOnce(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	a, b := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	useShared(a, "o")
	useShared(b, "o")
	var all []amf.Property
	for i := range 4096 {
		all = append(all, amf.Property{Name: fmt.Sprint(i), Value: float64(i)})
	}
	shared(a, "o", message.SharedRequestChange, pairs(t, all...))
	o := nextShared(a)
	require.Len(t, o.Events, len(all))
	assert.EqualValues(t, len(all), o.Version)
	var got []amf.Property
	for _, e := range nextShared(b).Events {
		properties, err := e.Properties()
		require.NoError(t, err)
		got = append(got, properties...)
	}
	assert.Equal(t, all, got)

	shared(a, "o", message.SharedRequestChange, pairs(t, all[:2]...)) // full, but these are there
	assert.Equal(t, message.SharedSuccess, nextShared(a).Events[0].Type)
	shared(a, "o", message.SharedRequestChange, pairs(t, amf.Property{Name: "one more", Value: 1}))
	assert.Equal(t, message.SharedStatus, one(t, nextShared(a)).Type)
}

// A user that does not read is dropped, and holds up nobody.
func TestSharedObjectSlowUser(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{ChunkSize: 1 << 20})
	slow, good := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	require.NoError(t, slow.Conn.(*net.TCPConn).SetReadBuffer(64<<10))
	useShared(slow, "o")
	useShared(good, "o")
	good.Control(message.TypeSetChunkSize, message.AppendUint32(nil, 1<<20))
	data := pairs(t, amf.Property{Name: "x", Value: string(make([]byte, 1<<20))})
	for range 64 { // MiB: twice what may wait for a user
		shared(good, "o", message.SharedRequestChange, data)
		require.Equal(t, message.SharedSuccess, one(t, nextShared(good)).Type)
	}
	require.Error(t, slow.UntilGone())
}
