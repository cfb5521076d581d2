package testserver_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// sendShared sends events about a shared object.
func (c *client) sendShared(kind message.Type, o message.SharedObject) {
	c.t.Helper()
	body, err := message.AppendSharedObject(nil, kind, &o)
	require.NoError(c.t, err)
	c.send(chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 3, Body: body})
}

// shared sends one event about an object that is not persistent.
func (c *client) shared(name string, kind message.SharedEventType, data []byte) {
	c.t.Helper()
	c.sendShared(message.TypeSharedObjectAMF0, message.SharedObject{Name: name,
		Events: []message.SharedEvent{{Type: kind, Data: data}}})
}

// nextShared reads the next shared object message.
func (c *client) nextShared() message.SharedObject {
	c.t.Helper()
	m := c.until(func(m received) bool { return m.typ == message.TypeSharedObjectAMF0 })
	assert.Zero(c.t, m.streamID)
	o, err := message.ParseSharedObject(m.typ, m.body)
	require.NoError(c.t, err)
	return o
}

// useShared makes a client a user of an object, and returns what there is.
func useShared(c *client, name string) message.SharedObject {
	c.t.Helper()
	c.shared(name, message.SharedUse, nil)
	o := c.nextShared()
	require.Equal(c.t, message.SharedUseSuccess, o.Events[0].Type)
	require.Equal(c.t, message.SharedClear, o.Events[1].Type)
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
	s := start(t, testserver.Config{RefuseShared: func(name string) bool { return name == "locked" }})
	a, b := connected(t, s), connected(t, s)
	assert.Len(t, useShared(a, "users").Events, 2, "nothing yet")
	useShared(b, "users")

	a.shared("users", message.SharedRequestChange, pairs(t, amf.Property{Name: "x", Value: "1"}))
	o := a.nextShared()
	assert.EqualValues(t, 1, o.Version)
	assert.Equal(t, message.SharedEvent{Type: message.SharedSuccess, Data: []byte("\x00\x01x")}, one(t, o), "the requester is told this")
	o = b.nextShared()
	assert.EqualValues(t, 1, o.Version)
	assert.Equal(t, message.SharedEvent{Type: message.SharedChange, Data: pairs(t, amf.Property{Name: "x", Value: "1"})}, one(t, o))

	data, err := amf.AppendAMF0(nil, "hello", 1)
	require.NoError(t, err)
	b.shared("users", message.SharedSendMessage, data)
	for _, c := range []*client{a, b} {
		assert.Equal(t, message.SharedEvent{Type: message.SharedSendMessage, Data: data}, one(t, c.nextShared()), "all are told")
	}

	late := connected(t, s)
	o = useShared(late, "users")
	require.Len(t, o.Events, 3)
	assert.EqualValues(t, 1, o.Version)
	properties, err := o.Events[2].Properties()
	require.NoError(t, err)
	assert.Equal(t, []amf.Property{{Name: "x", Value: "1"}}, properties)

	late.shared("users", message.SharedRelease, nil)
	late.sync()
	b.shared("users", message.SharedRequestRemove, message.AppendSharedName(nil, "x"))
	for _, c := range []*client{a, b} {
		o := c.nextShared()
		assert.EqualValues(t, 2, o.Version)
		assert.Equal(t, message.SharedEvent{Type: message.SharedRemove, Data: []byte("\x00\x01x")}, one(t, o))
	}
	late.sync()
	assert.Empty(t, late.skipped, "who has released is told no more")

	for name, kind := range map[string]message.SharedEventType{"locked": message.SharedRequestChange, "unused": message.SharedRequestChange} {
		if name == "locked" {
			useShared(a, name)
		}
		a.shared(name, kind, pairs(t, amf.Property{Name: "x", Value: 1}))
		status, err := one(t, a.nextShared()).Status()
		require.NoError(t, err)
		assert.Equal(t, "error", status.Level, name)
	}
	a.shared("locked", message.SharedRequestRemove, message.AppendSharedName(nil, "x"))
	status, err := one(t, a.nextShared()).Status()
	require.NoError(t, err)
	assert.Equal(t, "SharedObject.NoWriteAccess", status.Code)

	a.shared("users", 99, []byte("of no known type"))
	a.sync()
	assert.Empty(t, a.skipped)
}

// A persistent object outlives its users.
func TestSharedObjectPersistent(t *testing.T) {
	s := start(t, testserver.Config{})
	for _, persistent := range []bool{false, true} {
		c := connected(t, s)
		name := fmt.Sprint(persistent)
		c.sendShared(message.TypeSharedObjectAMF3, message.SharedObject{Name: name, Persistent: persistent, Events: []message.SharedEvent{
			{Type: message.SharedUse}, {Type: message.SharedRequestChange, Data: pairs(t, amf.Property{Name: "x", Value: true})},
			{Type: message.SharedRelease}}})
		assert.Equal(t, persistent, c.nextShared().Persistent)
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
	s := start(t, testserver.Config{})
	here, there := dial(t, s), dial(t, s)
	here.call("connect", amf.Object{{Name: "app", Value: "here"}})
	there.call("connect", amf.Object{{Name: "app", Value: "there"}})
	useShared(here, "o")
	useShared(there, "o")
	here.shared("o", message.SharedRequestChange, pairs(t, amf.Property{Name: "x", Value: 1}))
	here.nextShared()
	there.sync()
	assert.Empty(t, there.skipped)
	there.shared("o", message.SharedRelease, nil)
	assert.Len(t, useShared(there, "o").Events, 2)
}

// Only users of an object may change it.
func TestSharedObjectOfOthers(t *testing.T) {
	s := start(t, testserver.Config{})
	user, other := connected(t, s), connected(t, s)
	useShared(user, "o")
	for _, kind := range []message.SharedEventType{message.SharedRequestChange, message.SharedRequestRemove, message.SharedSendMessage} {
		other.shared("o", kind, pairs(t, amf.Property{Name: "x", Value: 1}))
		assert.Equal(t, message.SharedStatus, one(t, other.nextShared()).Type)
	}
	other.shared("o", message.SharedRelease, nil)
	user.sync()
	assert.Empty(t, user.skipped)
}

// A request with many properties at once, more than messages may wait for a client, is one message to everybody.
func TestSharedObjectChangesAtOnce(t *testing.T) {
	s := start(t, testserver.Config{})
	a, b := connected(t, s), connected(t, s)
	useShared(a, "o")
	useShared(b, "o")
	var all []amf.Property
	for i := range 4096 {
		all = append(all, amf.Property{Name: fmt.Sprint(i), Value: float64(i)})
	}
	a.shared("o", message.SharedRequestChange, pairs(t, all...))
	o := a.nextShared()
	require.Len(t, o.Events, len(all))
	assert.EqualValues(t, len(all), o.Version)
	var got []amf.Property
	for _, e := range b.nextShared().Events {
		properties, err := e.Properties()
		require.NoError(t, err)
		got = append(got, properties...)
	}
	assert.Equal(t, all, got)

	a.shared("o", message.SharedRequestChange, pairs(t, all[:2]...)) // full, but these are there
	assert.Equal(t, message.SharedSuccess, a.nextShared().Events[0].Type)
	a.shared("o", message.SharedRequestChange, pairs(t, amf.Property{Name: "one more", Value: 1}))
	assert.Equal(t, message.SharedStatus, one(t, a.nextShared()).Type)
}

// A user that does not read is dropped, and holds up nobody.
func TestSharedObjectSlowUser(t *testing.T) {
	s := start(t, testserver.Config{ChunkSize: 1 << 20})
	slow, good := connected(t, s), connected(t, s)
	require.NoError(t, slow.nc.(*net.TCPConn).SetReadBuffer(64<<10))
	useShared(slow, "o")
	useShared(good, "o")
	good.control(message.TypeSetChunkSize, message.AppendUint32(nil, 1<<20))
	data := pairs(t, amf.Property{Name: "x", Value: string(make([]byte, 1<<20))})
	for range 64 { // MiB: twice what may wait for a user
		good.shared("o", message.SharedRequestChange, data)
		require.Equal(t, message.SharedSuccess, one(t, good.nextShared()).Type)
	}
	require.Error(t, slow.untilGone())
}
