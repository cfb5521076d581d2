package live_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// TestAStreamForDays runs one stream for a day and a half, past 2^24 and 2^32 ms, with players that come and go and publishers that take
// over. Timestamps must advance evenly for every player, and the memory of the hub must not grow.
func TestAStreamForDays(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		const hours = 36
		const step, start = 4000, 1<<32 - 18*3_600_000 // in ms
		o := live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways}}
		pub := publish(t, h, o)
		all, err := h.Subscribe("app/name", live.PlayOptions{})
		require.NoError(t, err)
		defer all.Close()
		clock, offset := uint32(start), uint32(0)
		var early int
		for hour := range hours {
			if hour%5 == 4 {
				pub = publish(t, h, o)
				offset += clock - 7 // the timestamps of the new publisher begin at 7
				clock = 7
				write(t, pub, videoHeader(1))
			} else {
				write(t, pub, at(clock, videoHeader(hour)))
			}
			c := newClient(65536)
			p := play(t, h, c)
			for i := range 3_600_000 / step {
				tag := frame(clock, i)
				if i%2 == 0 {
					tag = key(clock, i)
				}
				write(t, pub, tag)
				got := fetch(t, all)
				require.Equal(t, clock+offset, got[len(got)-1].Timestamp)
				clock += step
				time.Sleep(step * time.Millisecond)
			}
			tags := c.got()
			require.Equal(t, clock+offset-step, tags[len(tags)-1].Timestamp)
			for i, tag := range tags[1:] {
				require.Contains(t, []uint32{0, 1, step}, tag.Timestamp-tags[i].Timestamp)
			}
			p.Close()
			if hour == 1 {
				early = heap()
			}
		}
		assert.Less(t, heap()-early, 256<<10)
		assert.Zero(t, h.Stats()[0].Missed)
		assert.Less(t, h.Stats()[0].Backlog, 2_000)
	})
}

// BenchmarkPublish writes a frame of 4 Mbit/s at 30 fps to a stream without players.
func BenchmarkPublish(b *testing.B) {
	h := live.NewHub(live.Config{})
	defer h.Close()
	pub := publish(b, h, live.PublishOptions{})
	write(b, pub, videoHeader(1))
	tags := []flv.Tag{padded(key(0, 1), 16_000)}
	for range 59 {
		tags = append(tags, padded(frame(0, 1), 16_000))
	}
	b.SetBytes(16_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := pub.Write(tags[i%len(tags)]); err != nil {
			b.Fatal(err)
		}
	}
}
