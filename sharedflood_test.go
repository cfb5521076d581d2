package rtmp

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

func (p *peer) shared(events ...message.SharedEvent) {
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: "o", Events: events})
	if err != nil {
		panic(err)
	}
	p.Send(chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Format: chunk.Format3, Body: body})
}

// numbered is the data of a change of n properties.
func numbered(n int, value any) (data []byte) {
	for i := range n {
		data, _ = message.AppendSharedProperty(data, fmt.Sprintf("%06d", i), value)
	}
	return data
}

// A handler that is slow is told of every property of a large object, in order, and the connection goes on.
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

// Changes that a handler has not seen yet are held up to a limit of memory. Those beyond are dropped, and the copy is right.
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
	require.Less(t, hold, session.MaxInvocationBytes+8<<20)
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

// The copy of a shared object is bounded by what it takes here, not on the wire.
func TestSharedObjectMemory(t *testing.T) {
	var values []any
	for range 200 {
		values = append(values, []any{})
	}
	data := numbered(12_000, values) // 12 MB, some 100 MB here
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
