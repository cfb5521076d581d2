package rtmp

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

// design.md 4, rule 12: concurrent WritePackets of one Stream are safe, audio and video encoders are two goroutines.
func TestConcurrentWritePackets(t *testing.T) {
	got := make(chan [2]int, 1)
	url := accepting(t, func(p *peer) {
		bad, all, seen := 0, 0, map[[2]uint32]bool{}
		for {
			m, err := p.Next()
			if err != nil {
				break
			}
			if m.Type != message.TypeAudio && m.Type != message.TypeVideo {
				continue
			}
			if all++; all%20 == 0 {
				time.Sleep(time.Millisecond)
			}
			if key := [2]uint32{uint32(m.Type), m.Timestamp}; seen[key] || m.Body[0] != byte(m.Type) {
				bad++
			} else {
				seen[key] = true
			}
		}
		got <- [2]int{bad, all}
	})
	c, s := publishing(t, url, nil)
	done := make(chan struct{})
	for _, kind := range []message.Type{message.TypeAudio, message.TypeVideo} {
		go func() {
			for i := range 4_000 {
				s.WritePacket(&Packet{Type: kind, Timestamp: uint32(i), Body: bytes.Repeat([]byte{byte(kind)}, 20_000)})
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	require.NoError(t, c.Close())
	n := <-got
	t.Logf("%d of %d packets came twice, in the place of others", n[0], n[1])
	assert.Zero(t, n[0])
	assert.Equal(t, 8_000, n[1])
}
