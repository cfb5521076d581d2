package rtmp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// A server may ask for more small answers in one go than are kept. It gets as many as there is room for, and of the
// windows the newest; the connection goes on.
func TestRepliesToAFlood(t *testing.T) {
	const many = 4 * session.MaxReplies
	commandOf := func(name string, id float64) func(*peer) []byte {
		return func(p *peer) []byte {
			o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: name, TransactionID: id})
			require.NoError(t, err)
			return p.Encode(o)
		}
	}
	for name, test := range map[string]struct {
		encode     func(p *peer) []byte
		unanswered bool
	}{
		"ping as a command": {commandOf("ping", 0), true},
		"_onbwcheck":        {commandOf("_onbwcheck", 3), true},
		"SWF verification": {func(p *peer) []byte {
			return p.Encode(session.Control(message.TypeUserControl, []byte{0, 26}))
		}, true},
		"Set Peer Bandwidth": {func(p *peer) []byte { // never the same twice
			return append(p.Encode(session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 111111, 0))),
				p.Encode(session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 222222, 0)))...)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptConnect()
				p.Conn.Write(test.encode(p)) // the first has a header of its own
				flood := bytes.Repeat(test.encode(p), many)
				flood = append(flood, p.Encode(session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 424242, 0)))...)
				p.Conn.Write(flood)
				for {
					window := p.ExpectType(message.TypeWindowAckSize)
					if window == nil {
						return
					}
					if size, _ := message.Uint32(message.TypeWindowAckSize, window); size == 424242 {
						break
					}
				}
				p.Call(0, "answered", 0, nil)
				p.UntilGone()
			})
			c, err := New(url, &Options{SWFHash: make([]byte, 32), SWFSize: 1})
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Connect(conntest.Context(t))
			require.NoError(t, err)
			_, err = c.WaitInvoke(conntest.Context(t), "answered")
			require.NoError(t, err)
			if !test.unanswered {
				require.Zero(t, c.Stats().UnansweredPings)
			}
		})
	}
}
