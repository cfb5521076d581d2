//go:build !race && amd64

package server_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestStackOfAnIdlePlayer checks that the stack of a connection's goroutine shrinks to 4 KiB while the client sends nothing. This fails if
// any function between the goroutine's first one and the socket has a large frame. (With -race all frames are larger.)
func TestStackOfAnIdlePlayer(t *testing.T) {
	const players = 200
	addr := app(t, &server.App{})
	stacks := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // each one halves a stack
		runtime.ReadMemStats(&m)
		return m.StackInuse
	}
	before := stacks()
	for range players {
		p := newPeer(t, addr)
		p.connect("live")
		p.command(p.CreateStream(), "play", 0, nil, "x")
		p.UntilCode(message.CodePlayStart)
	}
	assert.Less(t, (int(stacks())-int(before))/players, 6<<10)
}
