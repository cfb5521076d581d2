package session

import (
	"net"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// TestSessionIsFreed checks that nothing refers to a Session after it has ended and all calls have returned.
func TestSessionIsFreed(t *testing.T) {
	ended := func() weak.Pointer[Session] {
		a, b := net.Pipe()
		client, server := newRole(a, Config{}), newRole(b, Config{})
		server.session.StartStanding()
		_, err := client.call(conntest.Context(t), "echo")
		assert.NoError(t, err)
		client.session.Close()
		server.session.Close()
		return weak.Make(client.session)
	}()
	runtime.GC()
	assert.True(t, ended.Value() == nil, "one garbage collection must be enough")
}
