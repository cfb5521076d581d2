package session

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

func TestErrorTexts(t *testing.T) {
	broken := errors.New("cable pulled")
	for want, err := range map[string]error{
		"rtmp: play: timed out":                         &TimeoutError{What: "play"},
		"rtmp: play: timed out: no answer":              &TimeoutError{What: "play", Hint: "no answer"},
		"rtmp: read: the server closed the connection":  &LostError{What: "read"},
		"rtmp: read: the client closed the connection":  &LostError{What: "read", Peer: "client"},
		"rtmp: write: the server closed the connection": &LostError{What: "write", Cause: io.EOF},
		"rtmp: call: the server closed the connection":  &LostError{What: "call", Cause: io.ErrUnexpectedEOF},
		"rtmp: read: connection lost: cable pulled":     &LostError{What: "read", Cause: broken},
		"rtmp: read: use of closed network connection":  ReadError(net.ErrClosed, ""),
		"rtmp: read: the player closed the connection":  ReadError(io.EOF, "player"),
		"rtmp: write: connection lost: cable pulled":    &LostError{What: "write", Peer: "client", Cause: broken},

		"rtmp: read: the server closed the connection: no": &LostError{What: "read", Said: errors.New("rtmp: no")},

		"rtmp: play: timed out: slow":         During("play", &TimeoutError{What: "play", Hint: "slow"}),
		"rtmp: play film: timed out: late":    During("play film", &TimeoutError{What: "play", Hint: "late"}),
		"rtmp: play film: cable pulled":       During("play film", During("play film", broken)),
		"rtmp: play film: playing: timed out": During("play film", &TimeoutError{What: "playing"}),
	} {
		assert.EqualError(t, err, want)
	}
	assert.ErrorIs(t, &TimeoutError{}, os.ErrDeadlineExceeded)
	assert.ErrorIs(t, &LostError{}, io.ErrUnexpectedEOF)
	assert.ErrorIs(t, &LostError{Cause: broken}, io.ErrUnexpectedEOF)
	assert.ErrorIs(t, &LostError{Cause: broken}, broken)
}

func TestHungUp(t *testing.T) {
	assert.True(t, HungUp(fmt.Errorf("play: %w", &LostError{})))
	assert.True(t, HungUp(ReadError(io.EOF, "")))
	assert.False(t, HungUp(ReadError(io.ErrUnexpectedEOF, "")))
	assert.False(t, HungUp(io.EOF))
	assert.False(t, HungUp(nil))
}

func TestReadErrorKeepsTheRule(t *testing.T) {
	bad := &chunk.Error{Detail: "message length exceeds the limit", Value: 7}
	var protocol *message.ProtocolError
	require.ErrorAs(t, ReadError(bad, ""), &protocol)
	assert.Equal(t, &message.ProtocolError{Phase: "chunk", Detail: bad.Detail, Value: bad.Value, Err: bad}, protocol)
	protocol = &message.ProtocolError{Phase: "message"}
	assert.Same(t, protocol, ReadError(protocol, ""))
}
