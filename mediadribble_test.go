package rtmp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// MediaTimeout ends a wait, loses nothing, and does not hurt the connection.
func TestMediaTimeoutLosesNothing(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		for i := range 40 {
			b := p.Encode(session.EncodePacket(&Packet{Type: message.TypeVideo, StreamID: 1, Timestamp: uint32(i), Absolute: true, Body: []byte{0x17, byte(i)}}))
			for k := range b {
				p.Conn.Write(b[k : k+1])
				time.Sleep(300 * time.Microsecond)
			}
		}
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, &Options{MediaTimeout: 2 * time.Millisecond})
	var p Packet
	timeouts := 0
	for i := 0; ; {
		err := s.ReadPacket(&p)
		if err == nil {
			require.EqualValues(t, i, p.Body[1])
			i++
			continue
		}
		if i == 40 {
			break
		}
		var late interface{ Timeout() bool }
		require.ErrorAs(t, err, &late)
		timeouts++
	}
	t.Logf("%d timeouts", timeouts)
	assert.Positive(t, timeouts)
}
