package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestStrayErrorWithoutApplication checks that an _error that matches no call is harmless if the client has no application, whose
// App.Status would receive it.
func TestStrayErrorWithoutApplication(t *testing.T) {
	stray := peertest.Command(0, "_error", 9, nil, "x")
	for name, first := range map[string]chunk.Outgoing{
		"before connect":      peertest.Command(0, "createStream", 2, nil),
		"unknown application": peertest.Command(0, "connect", 1, amf.Object{{Name: "app", Value: "nobody's"}}),
	} {
		t.Run(name, func(t *testing.T) {
			addr := start(t, &server.Server{Apps: map[string]*server.App{"live": {}}})
			p := newPeer(t, addr)
			p.Send(first, stray, peertest.Command(0, "onStatus", 0, nil), stray) // read before any hook has run
			p.failed()
			p.UntilGone()
			newPeer(t, addr).connect("live")
		})
	}
}

// shared sends a shared object message.
func (p *peer) shared(name string, persistent bool, events ...message.SharedEvent) {
	p.T.Helper()
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: name, Persistent: persistent, Events: events})
	require.NoError(p.T, err)
	p.Send(chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Body: body})
}

// nextShared reads up to the next shared object message.
func (p *peer) nextShared() message.SharedObject {
	p.T.Helper()
	m := p.Until(func(m peertest.Message) bool { return m.Type == message.TypeSharedObjectAMF0 })
	o, err := message.ParseSharedObject(m.Type, bytes.Clone(m.Body))
	require.NoError(p.T, err)
	return o
}

func property(t *testing.T, name string, value any) message.SharedEvent {
	t.Helper()
	data, err := message.AppendSharedProperty(nil, name, value)
	require.NoError(t, err)
	return message.SharedEvent{Type: message.SharedRequestChange, Data: data}
}

// TestSharedObjectUsedManyTimesInOneMessage checks that repeated events of 5 bytes do not each cause a copy of the whole object.
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

// TestSharedObjectChangedManyTimesInOneMessage checks that a million changes of three bytes do not cause an event each, and that clients can
// read the result.
func TestSharedObjectChangedManyTimesInOneMessage(t *testing.T) {
	addr := app(t, &server.App{})
	other, p := newPeer(t, addr), newPeer(t, addr)
	for _, user := range []*peer{other, p} {
		user.connect("x")
		user.shared("o", false, message.SharedEvent{Type: message.SharedUse})
		user.nextShared()
	}
	p.shared("o", false, message.SharedEvent{Type: message.SharedRequestChange, Data: bytes.Repeat([]byte{0, 0, 5}, 1<<20)})
	events := p.nextShared().Events
	refused, err := events[len(events)-1].Status()
	require.NoError(t, err)
	assert.Equal(t, "SharedObject.NoWriteAccess", refused.Code)
	assert.Len(t, other.nextShared().Events, len(events)-1)
	p.alive()
}

// TestSharedObjectReleasedManyTimesInOneMessage checks that repeated releases of an object in one message write its file only once.
func TestSharedObjectReleasedManyTimesInOneMessage(t *testing.T) {
	p := newPeer(t, app(t, &server.App{Shared: &server.SharedPolicy{Dir: t.TempDir()}}))
	p.connect("x")
	once := []message.SharedEvent{{Type: message.SharedUse}, property(t, "a", 1), {Type: message.SharedRelease}}
	p.shared("o", true, slices.Repeat(once, 100)...)
	require.Len(t, p.nextShared().Events, 3, "UseSuccess, Clear, Success")
	p.alive()
}

// TestSharedObjectWithoutChangesHasNoFile checks that clients that only use objects, or may not change them, do not fill a disk with files.
func TestSharedObjectWithoutChangesHasNoFile(t *testing.T) {
	dir := t.TempDir()
	p := newPeer(t, app(t, &server.App{Shared: &server.SharedPolicy{Dir: dir, Write: func(_ *server.Conn, name string) error {
		if name == "b" {
			return nil
		}
		return server.Deny("read only")
	}}}))
	p.connect("x")
	for _, name := range []string{"a", "b"} {
		p.shared(name, true, message.SharedEvent{Type: message.SharedUse}, property(t, "n", 1), message.SharedEvent{Type: message.SharedRelease})
		p.nextShared()
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Equal(t, "o-x,b.so", files[0].Name())
}

// TestSharedObjectFilesAreApart checks that the objects of different instances of an application are in different files.
func TestSharedObjectFilesAreApart(t *testing.T) {
	addr := app(t, &server.App{Shared: &server.SharedPolicy{Dir: t.TempDir()}})
	for _, its := range [][2]string{{"a/b", "c"}, {"a", "b/c"}} {
		p := newPeer(t, addr)
		p.connect(its[0])
		p.shared(its[1], true, message.SharedEvent{Type: message.SharedUse}, property(t, "of", its[0]), message.SharedEvent{Type: message.SharedRelease})
		require.Len(t, p.nextShared().Events, 3, "UseSuccess, Clear, Success: the object was empty")
	}
}

// heap returns the size of the heap in use, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC() // the second garbage collection empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestWhatWaitsForAHookIsBounded checks that a client can't fill the memory with messages while a hook blocks.
func TestWhatWaitsForAHookIsBounded(t *testing.T) {
	for name, flood := range map[string]func(send func(...chunk.Outgoing) bool){
		"media of streams that were closed": func(send func(...chunk.Outgoing) bool) {
			body := make([]byte, 700<<10)
			audio := chunk.Outgoing{Type: uint8(message.TypeAudio), ChunkStreamID: 4, StreamID: 1, Format: chunk.Format0, Body: body}
			for send(peertest.Command(1, "publish", 0, nil, "x", "live"), audio, peertest.Command(1, "closeStream", 0, nil)) {
			}
		},
		"names of methods": func(send func(...chunk.Outgoing) bool) {
			for send(peertest.Command(0, strings.Repeat("x", 60000), 0, nil)) {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				s := &server.Server{MaxMessageSize: 1 << 20, Logger: slog.New(slog.DiscardHandler), Apps: map[string]*server.App{"*": {
					Methods: map[string]server.Method{"wait": func(context.Context, *server.Conn, []any) (any, error) {
						<-release
						return nil, nil
					}}}}}
				defer s.Close()
				defer close(release)
				p, _ := piped(t, s)
				p.connect("x")
				p.CreateStream()
				p.command(0, "wait", 9, nil)
				before, sent := heap(), 0
				p.Conn.SetWriteDeadline(time.Now().Add(time.Second)) // the server stops reading at some point
				flood(func(messages ...chunk.Outgoing) bool {
					b := p.Encode(messages...)
					sent += len(b)
					_, err := p.Conn.Write(b)
					return err == nil && sent < 100<<20
				})
				assert.Less(t, heap()-before, 20<<20, "%d bytes were sent", sent)
				assert.Less(t, sent, 100<<20)
			})
		})
	}
}

// TestTakeoverByAnUnknownAddress checks that two clients without a known address are not treated as the same client.
func TestTakeoverByAnUnknownAddress(t *testing.T) {
	s := &server.Server{}
	start(t, s)
	dial := func() *peer {
		client, nc := net.Pipe()
		go s.ServeConn(context.Background(), nc)
		p := peerOn(t, client)
		p.connect("x")
		return p
	}
	dial().Publish("key", "live")
	second := dial()
	second.command(second.CreateStream(), "publish", 0, nil, "key", "live")
	require.Equal(t, message.CodePublishBadName, second.status())
}
