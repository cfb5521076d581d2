package rtmp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// A stream that was refused takes no media from the next one, whatever its id was.
func TestRefusedStreamWithIDZero(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for _, id := range []float64{0, 1} {
			if cmd := p.Expect("createStream"); cmd != nil {
				p.Call(0, "_result", cmd.TransactionID, nil, id)
			}
			p.Expect("play")
			if id == 0 {
				p.Call(0, "onStatus", 0, nil, message.StatusObject("error", "NetStream.Play.StreamNotFound", ""))
			}
		}
		p.Status("NetStream.Play.Start")
		p.Media(message.TypeAudio, 5, []byte{0xAF, 1, 2})
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	_, err := c.CreateStream(conntest.Context(t), &StreamOptions{Name: "gone"})
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	require.Empty(t, c.client.Load().streams.all())
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	require.EqualValues(t, 5, p.Timestamp)
}

// A stream that got the id of another is not closed by that id.
func TestIDGivenOutTwice(t *testing.T) {
	deleted := make(chan bool, 1)
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.AcceptStream(1)
		for cmd := p.NextCommand(); cmd != nil && cmd.Name != "done"; cmd = p.NextCommand() {
			if cmd.Name == "deleteStream" {
				deleted <- true
			}
		}
		close(deleted)
		p.UntilGone()
	})
	c, _ := playing(t, url, nil)
	_, err := c.CreateStream(conntest.Context(t), nil)
	require.ErrorContains(t, err, "twice")
	_, err = c.Call(conntest.Context(t), "done")
	require.NoError(t, err)
	require.False(t, <-deleted)
}
