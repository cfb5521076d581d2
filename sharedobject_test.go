package rtmp

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// shared connects a new client to a shared object, and returns the object and its events.
func shared(t *testing.T, s *testserver.Server, name string, persistent bool) (*SharedObject, <-chan SharedObjectEvent) {
	t.Helper()
	c := dialed(t, s.URL("app", ""), &Options{BackgroundRead: true})
	o, err := c.SharedObject(conntest.Context(t), name, persistent)
	require.NoError(t, err)
	told := make(chan SharedObjectEvent, 1000)
	o.Handle(func(e SharedObjectEvent) { told <- e })
	return o, told
}

func TestSharedObject(t *testing.T) {
	ctx := conntest.Context(t)
	s := rtmptest.Server(t, testserver.Config{RefuseShared: func(name string) bool { return name == "locked" }})
	a, toldA := shared(t, s, "users", false)
	b, toldB := shared(t, s, "users", false)

	assert.Equal(t, "users", a.Name())
	value := amf.Object{{Name: "x", Value: 1.0}}
	require.NoError(t, a.Set(ctx, "first", value))
	got, ok := a.Get("first")
	require.True(t, ok, "the requester has its own change")
	assert.Equal(t, value, got)
	assert.Equal(t, SharedObjectEvent{Kind: SharedObjectChanged, Name: "first", Value: value}, <-toldA)
	assert.Equal(t, SharedObjectEvent{Kind: SharedObjectChanged, Name: "first", Value: value}, <-toldB)
	assert.EqualValues(t, 1, a.Version())

	late, _ := shared(t, s, "users", false)
	require.Eventually(t, func() bool { return len(late.Properties()) == 1 }, patience, time.Millisecond)

	require.NoError(t, b.Send(ctx, "hello", "all", 2))
	want := SharedObjectEvent{Kind: SharedObjectMessage, Name: "hello", Args: []any{"all", 2.0}}
	assert.Equal(t, want, <-toldA)
	assert.Equal(t, want, <-toldB, "the sender gets it too")

	require.NoError(t, b.Delete(ctx, "first"))
	assert.Equal(t, SharedObjectEvent{Kind: SharedObjectDeleted, Name: "first"}, <-toldA)
	assert.Empty(t, b.Properties())

	require.ErrorContains(t, b.Delete(ctx, strings.Repeat("x", 1<<16)), "65536 bytes")

	locked, _ := shared(t, s, "locked", false)
	var refused *StatusError
	require.ErrorAs(t, locked.Set(ctx, "a", 1), &refused)
	assert.Equal(t, "SharedObject.NoWriteAccess", refused.Code)
	assert.Empty(t, refused.Description, "the protocol has none")
	_, ok = locked.Get("a")
	assert.False(t, ok, "a refusal changes nothing")

	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	require.ErrorIs(t, a.Set(ctx, "b", 1), net.ErrClosed)
	again, err := FromContext(a.conn.ctx).SharedObject(ctx, "users", false)
	require.NoError(t, err, "the name is free again")
	_, err = FromContext(a.conn.ctx).SharedObject(ctx, "users", false)
	require.ErrorContains(t, err, "already")
	require.NoError(t, again.Close())
}

func TestSharedObjectEventKindString(t *testing.T) {
	for kind, want := range map[SharedObjectEventKind]string{
		SharedObjectChanged: "changed", SharedObjectDeleted: "deleted", SharedObjectCleared: "cleared", SharedObjectMessage: "message",
		SharedObjectRefused: "refused", SharedObjectRefused + 1: "SharedObjectEventKind(5)", -1: "SharedObjectEventKind(-1)",
	} {
		assert.Equal(t, want, kind.String())
	}
}

func TestPersistentSharedObjects(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	for name, persistent := range map[string]bool{"kept": true, "gone": false} {
		o, _ := shared(t, s, name, persistent)
		require.NoError(t, o.Set(conntest.Context(t), "a", "b"))
		require.NoError(t, o.Close())
		require.NoError(t, FromContext(o.conn.ctx).Close())
		require.Eventually(t, func() bool {
			again, _ := shared(t, s, name, persistent)
			defer again.Close()
			if !persistent {
				return again.Version() == 0 && len(again.Properties()) == 0
			}
			v, _ := again.Get("a")
			return v == "b"
		}, patience, 10*time.Millisecond, name)
	}
}

// TestSharedObjectConverges checks that clients that set the same properties concurrently all end up with the same values.
func TestSharedObjectConverges(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	const clients, changes = 8, 50
	objects := make([]*SharedObject, clients)
	for i := range objects {
		objects[i], _ = shared(t, s, "board", false)
	}
	var writing sync.WaitGroup
	for i, o := range objects {
		for half := range 2 { // two goroutines per client
			writing.Go(func() {
				for n := range changes / 2 {
					if err := o.Set(context.Background(), fmt.Sprint("p", n%5), fmt.Sprint(i, half, "/", n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	writing.Wait()
	for _, o := range objects {
		require.Eventually(t, func() bool { return o.Version() == clients*changes }, patience, time.Millisecond)
		assert.Equal(t, objects[0].Properties(), o.Properties())
		assert.Len(t, o.Properties(), 5)
	}
}

func TestSharedObjectServers(t *testing.T) {
	send := func(p *peer, kind message.Type, name string, events ...message.SharedEvent) {
		body, err := message.AppendSharedObject(nil, kind, &message.SharedObject{Name: name, Version: 9, Events: events})
		if err == nil {
			p.Send(chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 3, Format: chunk.Format3, Body: body})
		}
	}
	property := func(name string, value any) []byte {
		data, err := message.AppendSharedProperty(nil, name, value)
		require.NoError(t, err)
		return data
	}
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.ExpectType(message.TypeSharedObjectAMF0) // Use
		send(p, message.TypeSharedObjectAMF3, "o", message.SharedEvent{Type: message.SharedUseSuccess, Data: property("at once", 1)})
		p.ExpectType(message.TypeSharedObjectAMF0) // RequestChange, which this server answers with Change instead of Success
		send(p, message.TypeSharedObjectAMF0, "other", message.SharedEvent{Type: message.SharedClear})
		p.Send(chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Body: []byte("garbage")})
		send(p, message.TypeSharedObjectAMF0, "o", message.SharedEvent{Type: message.SharedChange, Data: []byte{0, 9, 'x'}},
			message.SharedEvent{Type: 99, Data: []byte{1, 2, 3}},
			message.SharedEvent{Type: message.SharedSuccess, Data: message.AppendSharedName(nil, "nobody asked")},
			message.SharedEvent{Type: message.SharedChange, Data: property("a", "another's")},
			message.SharedEvent{Type: message.SharedChange, Data: property("a", "mine")})
		p.ExpectType(message.TypeSharedObjectAMF0)
		for i := range 20 { // more than a client should keep
			send(p, message.TypeSharedObjectAMF0, "o", message.SharedEvent{Type: message.SharedChange,
				Data: property(fmt.Sprint(i), string(make([]byte, 1<<20)))})
		}
		p.UntilGone()
	})
	c := dialed(t, url, &Options{BackgroundRead: true})
	o, err := c.SharedObject(conntest.Context(t), "o", false)
	require.NoError(t, err)
	require.NoError(t, o.Set(conntest.Context(t), "a", "mine"))
	got, _ := o.Get("a")
	assert.Equal(t, "mine", got)
	_, ok := o.Get("at once")
	assert.True(t, ok)
	assert.EqualValues(t, 2, c.Stats().BadData)
	var tooMuch *ProtocolError
	require.ErrorAs(t, o.Set(conntest.Context(t), "b", 1), &tooMuch)
	assert.Equal(t, "shared object", tooMuch.Phase)
}

func (p *peer) shared(events ...message.SharedEvent) {
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: "o", Events: events})
	if err != nil {
		panic(err)
	}
	p.Send(chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Format: chunk.Format3, Body: body})
}

// numbered returns the data of a change of n properties.
func numbered(n int, value any) (data []byte) {
	for i := range n {
		data, _ = message.AppendSharedProperty(data, fmt.Sprintf("%06d", i), value)
	}
	return data
}

// TestLargeSharedObject checks that a slow handler receives every property of a large object in order, while the connection stays usable.
func TestLargeSharedObject(t *testing.T) {
	const properties = 20_000
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.ExpectType(message.TypeSharedObjectAMF0)
		p.shared(message.SharedEvent{Type: message.SharedUseSuccess})
		p.Expect("ready")
		p.shared(message.SharedEvent{Type: message.SharedChange, Data: numbered(properties, 1.0)})
		p.Call(0, "sent", 0, nil)
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	o, err := c.SharedObject(conntest.Context(t), "o", false)
	require.NoError(t, err)
	gate, told := make(chan struct{}), make(chan string, properties)
	o.Handle(func(e SharedObjectEvent) {
		<-gate
		told <- e.Name
	})
	_, err = c.Call(conntest.Context(t), "ready")
	require.NoError(t, err)
	_, err = c.WaitInvoke(conntest.Context(t), "sent")
	require.NoError(t, err)
	require.Len(t, o.Properties(), properties, "the copy does not wait for the handler")
	close(gate)
	for i := range properties {
		require.Equal(t, fmt.Sprintf("%06d", i), <-told)
	}
	require.NoError(t, c.Err())
	require.Zero(t, c.Stats().DroppedEvents)
}

// TestSharedObjectWithASlowHandler checks that a slow handler receives changes up to a limit of memory, and that the local copy
// nevertheless contains all of them.
func TestSharedObjectWithASlowHandler(t *testing.T) {
	const changes, properties = 60, 5000
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.ExpectType(message.TypeSharedObjectAMF0)
		p.shared(message.SharedEvent{Type: message.SharedUseSuccess})
		p.Expect("ready")
		for i := range changes {
			p.shared(message.SharedEvent{Type: message.SharedChange, Data: numbered(properties, float64(i))})
		}
		p.Call(0, "sent", 0, nil)
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	o, err := c.SharedObject(conntest.Context(t), "o", false)
	require.NoError(t, err)
	gate, finished := make(chan struct{}), make(chan struct{})
	told, want := 0, 0
	o.Handle(func(SharedObjectEvent) {
		<-gate
		if told++; told == want {
			close(finished)
		}
	})
	hold := heldBytes(func() {
		_, err = c.Call(conntest.Context(t), "ready")
		require.NoError(t, err)
		_, err = c.WaitInvoke(conntest.Context(t), "sent")
		require.NoError(t, err)
	})
	require.Less(t, hold, session.MaxCallbackBytes+8<<20)
	value, _ := o.Get("004999")
	require.Equal(t, changes-1.0, value)
	dropped := int(c.Stats().DroppedEvents)
	require.Positive(t, dropped)
	want = changes*properties - dropped
	require.GreaterOrEqual(t, want, properties)
	close(gate)
	<-finished
	require.NoError(t, c.Err())
}

// TestSharedObjectMemory checks that the limit for the local copy applies to its size in memory rather than on the wire.
func TestSharedObjectMemory(t *testing.T) {
	var values []any
	for range 200 {
		values = append(values, []any{})
	}
	data := numbered(12_000, values) // 12 MB on the wire, some 100 MB in memory
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.ExpectType(message.TypeSharedObjectAMF0)
		p.shared(message.SharedEvent{Type: message.SharedUseSuccess})
		p.shared(message.SharedEvent{Type: message.SharedChange, Data: data})
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	o, err := c.SharedObject(conntest.Context(t), "o", false)
	require.NoError(t, err)
	hold := heldBytes(func() { err = c.ProcessPackets(conntest.Context(t)) })
	var tooMuch *ProtocolError
	require.ErrorAs(t, err, &tooMuch)
	require.Equal(t, "shared object", tooMuch.Phase)
	require.Less(t, hold, maxSharedBytes+16<<20)
	require.Less(t, len(o.Properties()), 12_000)
}

// TestSharedObjectCloseBesideSet checks that Close ends a Set in progress, which reads the connection itself.
func TestSharedObjectCloseBesideSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{Timeout: time.Minute}, func(p *peer) {
			p.AcceptConnect()
			p.ExpectType(message.TypeSharedObjectAMF0)
			p.shared(message.SharedEvent{Type: message.SharedUseSuccess})
			p.UntilGone()
		})
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		o, err := c.SharedObject(ctx, "o", false)
		require.NoError(t, err)
		set := make(chan error, 1)
		go func() { set <- o.Set(ctx, "x", 1) }()
		synctest.Wait()
		require.NoError(t, o.Close())
		assert.Zero(t, elapsed(func() { assert.ErrorIs(t, <-set, net.ErrClosed) }))
	})
}
