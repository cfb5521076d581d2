package server_test

import (
	"net"
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
