package rtmp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

// A stream that was refused takes no media from the next one, whatever its id was.
func TestRefusedStreamWithIDZero(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.accept()
		for _, id := range []float64{0, 1} {
			if cmd := p.expect("createStream"); cmd != nil {
				p.call(0, "_result", cmd.TransactionID, nil, id)
			}
			p.expect("play")
			if id == 0 {
				p.call(0, "onStatus", 0, nil, message.StatusObject("error", "NetStream.Play.StreamNotFound", ""))
			}
		}
		p.status("NetStream.Play.Start")
		p.media(message.TypeAudio, 5, []byte{0xAF, 1, 2})
		p.untilGone()
	})
	c := dialed(t, url, nil)
	_, err := c.CreateStream(testContext(t), &StreamOptions{Name: "gone"})
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	require.Empty(t, c.client.Load().streams.all())
	s, err := c.CreateStream(testContext(t), nil)
	require.NoError(t, err)
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	require.EqualValues(t, 5, p.Timestamp)
}

// A stream that got the id of another is not closed by that id.
func TestIDGivenOutTwice(t *testing.T) {
	deleted := make(chan bool, 1)
	url := newPeer(t, func(p *peer) {
		p.play()
		if cmd := p.expect("createStream"); cmd != nil {
			p.call(0, "_result", cmd.TransactionID, nil, 1.0)
		}
		for cmd := p.nextCommand(); cmd != nil && cmd.Name != "done"; cmd = p.nextCommand() {
			if cmd.Name == "deleteStream" {
				deleted <- true
			}
		}
		close(deleted)
		p.untilGone()
	})
	c, _ := playing(t, url, nil)
	_, err := c.CreateStream(testContext(t), nil)
	require.ErrorContains(t, err, "twice")
	_, err = c.Call(testContext(t), "done")
	require.NoError(t, err)
	require.False(t, <-deleted)
}

// nextCommand is the next command of the client, nil when it has gone.
func (p *peer) nextCommand() *message.Command {
	cmd, err := message.ParseCommand(message.TypeCommandAMF0, p.expectType(message.TypeCommandAMF0))
	if err != nil {
		return nil
	}
	return &cmd
}
