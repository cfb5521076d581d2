package server_test

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// together sends commands on message stream 0 with one write, so that the server reads them before its hooks have run.
func (p *peer) together(commands ...message.Command) {
	p.t.Helper()
	var wire []byte
	for i := range commands {
		body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &commands[i])
		require.NoError(p.t, err)
		wire, err = p.out.AppendMessage(wire, &chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Body: body})
		require.NoError(p.t, err)
	}
	_, err := p.nc.Write(wire)
	require.NoError(p.t, err)
}

// A stray _error is for the App's Status, but these clients have none.
func TestStrayErrorWithoutApplication(t *testing.T) {
	stray := message.Command{Name: "_error", TransactionID: 9, Args: []any{"x"}}
	for name, first := range map[string]message.Command{
		"before connect":      {Name: "createStream", TransactionID: 2},
		"unknown application": {Name: "connect", TransactionID: 1, Object: amf.Object{{Name: "app", Value: "nobody's"}}},
	} {
		t.Run(name, func(t *testing.T) {
			addr := start(t, &server.Server{Apps: map[string]*server.App{"live": {}}})
			p := newPeer(t, addr)
			p.together(first, stray, message.Command{Name: "onStatus"}, stray)
			p.failed()
			p.closed()
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
			peerOn(t, nc).connect("live")
		})
	}
}

// shared sends a shared object message.
func (p *peer) shared(name string, persistent bool, events ...message.SharedEvent) {
	p.t.Helper()
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: name, Persistent: persistent, Events: events})
	require.NoError(p.t, err)
	p.send(chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Body: body})
}

// nextShared reads up to the next shared object message.
func (p *peer) nextShared() message.SharedObject {
	p.t.Helper()
	for {
		m, err := p.next()
		require.NoError(p.t, err)
		if message.Type(m.Type) == message.TypeSharedObjectAMF0 {
			o, err := message.ParseSharedObject(message.TypeSharedObjectAMF0, bytes.Clone(m.Body()))
			require.NoError(p.t, err)
			return o
		}
	}
}

func property(t *testing.T, name string, value any) message.SharedEvent {
	t.Helper()
	data, err := message.AppendSharedProperty(nil, name, value)
	require.NoError(t, err)
	return message.SharedEvent{Type: message.SharedRequestChange, Data: data}
}

// An event of 5 bytes must not lead to a copy of the whole object each.
func TestSharedObjectUsedManyTimesInOneMessage(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	p.connect("x")
	p.shared("o", false, message.SharedEvent{Type: message.SharedUse}, property(t, "large", strings.Repeat("x", 60000)))
	require.NotEmpty(t, p.nextShared().Events)
	again := slices.Repeat([]message.SharedEvent{{Type: message.SharedUse}}, 100)
	p.shared("o", false, again...)
	require.Len(t, p.nextShared().Events, 3, "UseSuccess, Clear and the property, once")
	p.alive()
}

// Each instance of an application has its own objects, in files, too.
func TestSharedObjectFilesAreApart(t *testing.T) {
	addr := app(t, &server.App{Shared: &server.SharedPolicy{Dir: t.TempDir()}})
	for _, its := range [][2]string{{"a/b", "c"}, {"a", "b/c"}} {
		p := newPeer(t, addr)
		p.connect(its[0])
		p.shared(its[1], true, message.SharedEvent{Type: message.SharedUse}, property(t, "of", its[0]), message.SharedEvent{Type: message.SharedRelease})
		require.Len(t, p.nextShared().Events, 3, "UseSuccess, Clear, Success: there was nothing")
	}
}
