package server_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestDayOfMedia relays a day of media, as fast as possible, through one stream whose timestamps pass 2^24 or 2^32 ms. A player joins every
// hour, and another publisher takes over every six hours. One player stays for the whole day and must receive everything in order. Memory
// must not grow.
func TestDayOfMedia(t *testing.T) {
	long(t)
	const (
		frame = 40 * time.Millisecond
		hour  = int(time.Hour / frame)
		group = 50 // a key frame every two seconds
	)
	for name, from := range map[string]uint32{"over 2^24 ms": 0, "over 2^32 ms": math.MaxUint32 - uint32(12*time.Hour/time.Millisecond)} {
		t.Run(name, func(t *testing.T) {
			s := &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Backlog: 1 << 20}}}}
			url := "rtmp://" + start(t, s) + "/live/x"
			_, viewer := play(t, url)
			c, out := publish(t, url)
			at, last := from, from-uint32(frame/time.Millisecond)
			var first, highest int
			for h := range 24 {
				if h > 0 && h%6 == 0 {
					old := c
					c, out = publish(t, url)
					old.Close()
				}
				viewer.SetReadDeadline(time.Now().Add(patience))
				for i := 0; i < hour; i += group {
					for k := range group {
						kind := byte(0x27)
						if k == 0 {
							kind = 0x17
						}
						require.NoError(t, out.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: at, Body: []byte{kind, 1, 0, 0, 0, byte(k)}}))
						at += uint32(frame / time.Millisecond)
					}
					for k := range group {
						var p message.Packet
						require.NoError(t, viewer.ReadPacket(&p))
						for p.Type != message.TypeVideo {
							require.NoError(t, viewer.ReadPacket(&p))
						}
						require.Equal(t, byte(k), p.Body[5])
						step := p.Timestamp - last
						if takeover := h > 0 && h%6 == 0 && i+k == 0; !takeover {
							require.EqualValues(t, 40, step, "hour %d, frame %d", h, i+k)
						} else {
							require.Less(t, step, uint32(10_000), "time goes on")
						}
						last = p.Timestamp
					}
				}
				joinAndLeave(t, url, last)
				used := heap()
				if h == 1 {
					first = used
				}
				highest = max(highest, used)
			}
			t.Logf("heap: %d bytes after the second hour, at most %d", first, highest)
			assert.Less(t, highest, first+4<<20)
			require.NoError(t, out.Close())
		})
	}
}

// joinAndLeave plays a group of pictures. It must begin with a recent key frame.
func joinAndLeave(t testing.TB, url string, now uint32) {
	t.Helper()
	c, s := play(t, url)
	defer func() { require.NoError(t, c.Close()) }()
	got := receive(t, s, 50)
	h, err := flv.ParseVideoHeader(got[0].Body)
	require.NoError(t, err)
	require.True(t, h.IsKeyFrame())
	require.Less(t, now-got[0].Timestamp, uint32(2000))
	require.Equal(t, now, got[len(got)-1].Timestamp)
}
