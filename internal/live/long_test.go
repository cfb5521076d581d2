package live_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// A day and a half of one stream, over 2^24 and 2^32 ms, with players that come and go and publishers that take over: time goes on
// evenly for everybody, and nothing piles up.
func TestAStreamForDays(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		const hours = 36
		const start = 1<<32 - 18*3_600_000 // in ms
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
				offset += clock - 7 // the newcomer counts from 7
				clock = 7
				write(t, pub, videoHeader(1))
			} else {
				write(t, pub, at(clock, videoHeader(hour)))
			}
			c := newClient(65536)
			p := play(t, h, c)
			for second := range 3600 {
				tag := frame(clock, second)
				if second%2 == 0 {
					tag = key(clock, second)
				}
				write(t, pub, tag)
				got := fetch(t, all)
				require.Equal(t, clock+offset, got[len(got)-1].Timestamp)
				clock += 1000
				time.Sleep(time.Second)
			}
			tags := c.got()
			require.Equal(t, clock+offset-1000, tags[len(tags)-1].Timestamp)
			for i, tag := range tags[1:] {
				require.Contains(t, []uint32{0, 1, 1000}, tag.Timestamp-tags[i].Timestamp)
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

func TestTimeWrapsAtTakeover(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		always := live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways}}
		first := publish(t, h, always)
		c := newClient(65536)
		play(t, h, c)
		write(t, first, sound(1<<32-30, 1), sound(1<<32-10, 2))
		time.Sleep(20 * time.Millisecond)
		second := publish(t, h, always)
		write(t, second, sound(1<<24-10, 3), sound(1<<24+10, 4))
		third := publish(t, h, always)
		write(t, third, sound(1<<32-1, 5), sound(1, 6))
		assert.Equal(t, []flv.Tag{sound(1<<32-30, 1), sound(1<<32-10, 2), sound(10, 3), sound(30, 4), sound(31, 5), sound(33, 6)}, c.got())
	})
}

// BenchmarkPublish is a frame of 4 Mbit/s at 30 fps into a stream that nobody plays.
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
