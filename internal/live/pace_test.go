package live_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// upload writes n messages of 1000 bytes, one for every 100 ms of the stream, without waiting between them.
func upload(t *testing.T, pub *live.Publisher, n int) {
	t.Helper()
	for i := range n {
		tag := frame(uint32(100*i), i)
		if i == 0 {
			tag = key(0, 0)
		}
		write(t, pub, padded(tag, 1_000))
	}
}

// TestAPublisherThatIsAheadWaitsForItsRecorder checks that a recorder that is slower than the publisher misses nothing if the publisher
// sends faster than its timestamps, which may also stand still or begin again.
func TestAPublisherThatIsAheadWaitsForItsRecorder(t *testing.T) {
	for name, at := range map[string]func(i int) uint32{
		"increasing":  func(i int) uint32 { return uint32(100 * i) },
		"still":       func(int) uint32 { return 0 },
		"still later": func(i int) uint32 { return min(1000, uint32(100*i)) },
		"backward":    func(i int) uint32 { return uint32(1e6 - 100*i) },
		"again":       func(i int) uint32 { return uint32(100 * (i % 500)) },
	} {
		t.Run(name, func(t *testing.T) { waitsForItsRecorder(t, at) })
	}
}

func waitsForItsRecorder(t *testing.T, at func(i int) uint32) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 100_000, MaxBitrate: -1}})
		recorder := pub.Collect(1, time.Second)
		defer recorder.Close()
		got := make(chan []flv.Tag)
		go func() {
			var tags []flv.Tag
			for {
				batch, err := recorder.NextBatch(t.Context(), nil)
				if err != nil {
					got <- tags
					return
				}
				for _, m := range batch {
					tags = append(tags, m.Tag())
				}
				time.Sleep(time.Second) // the disk needs much less than the 3.2 s of the stream that are in a batch
			}
		}()
		for i := range 3_000 {
			write(t, pub, padded(frame(at(i), i), 1_000))
		}
		pub.Close()
		assert.Len(t, <-got, 3_000)
		assert.Zero(t, recorder.Missed())
	})
}

// TestAPublisherWaitsOnceForARecorderThatHangs checks that the publisher goes on after five seconds, and does not wait again until the
// recorder has caught up.
func TestAPublisherWaitsOnceForARecorderThatHangs(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 100_000, MaxBitrate: -1}})
		recorder := pub.Collect(1, time.Second)
		defer recorder.Close()
		began := time.Now()
		upload(t, pub, 1_000)
		assert.Equal(t, 5*time.Second, time.Since(began))
		for len(fetch(t, recorder)) > 0 {
		}
		assert.NotZero(t, recorder.Missed())
		write(t, pub, padded(frame(100_000, 0), 1_000))
		began = time.Now()
		for i := range 1_000 {
			write(t, pub, padded(frame(uint32(100_000+100*i), i), 1_000))
		}
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}

// TestALivePublisherDoesNotWaitForItsRecorder checks that a disk that hangs does not delay the players of a live stream.
func TestALivePublisherDoesNotWaitForItsRecorder(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 100_000, MaxBitrate: -1}})
		recorder := pub.Collect(1, time.Second) // it fetches nothing
		defer recorder.Close()
		c := newClient(65536)
		p := play(t, h, c)
		defer p.Close()
		write(t, pub, videoHeader(0), key(1_000_000, 0))
		for i := range 1_000 {
			time.Sleep(40 * time.Millisecond)
			began := time.Now()
			write(t, pub, padded(frame(uint32(1_000_000+40*(i+1)), i), 1_000))
			assert.Zero(t, time.Since(began))
		}
		assert.Len(t, c.got(), 1_002)
	})
}

// TestAPublisherThatWaitsForItsRecorderEnds checks that a publisher does not wait any longer after the publication, the recorder or the Hub
// has ended.
func TestAPublisherThatWaitsForItsRecorderEnds(t *testing.T) {
	for name, end := range map[string]func(h *live.Hub, pub *live.Publisher, recorder *live.Subscriber){
		"publisher": func(_ *live.Hub, pub *live.Publisher, _ *live.Subscriber) { pub.Close() },
		"recorder":  func(_ *live.Hub, _ *live.Publisher, recorder *live.Subscriber) { recorder.Close() },
		"hub":       func(h *live.Hub, _ *live.Publisher, _ *live.Subscriber) { h.Close() },
		"takeover": func(h *live.Hub, _ *live.Publisher, _ *live.Subscriber) {
			h.Publish("app/name", live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			withHub(t, func(t *testing.T, h *live.Hub) {
				pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 100_000, MaxBitrate: -1}})
				recorder := pub.Collect(1, time.Second)
				defer recorder.Close()
				written := make(chan error)
				go func() {
					for i := 0; ; i++ {
						if err := pub.Write(padded(frame(uint32(100*i), i), 1_000)); err != nil || i == 200 {
							written <- err
							return
						}
					}
				}()
				synctest.Wait()
				began := time.Now()
				end(h, pub, recorder)
				err := <-written
				assert.Zero(t, time.Since(began))
				assert.Equal(t, name == "recorder", err == nil)
			})
		})
	}
}

// TestALivePublisherWithAnOffsetDoesNotWait is like TestALivePublisherDoesNotWaitForItsRecorder, for a publisher whose audio and video have
// timestamps that are far apart.
func TestALivePublisherWithAnOffsetDoesNotWait(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 100_000, MaxBitrate: -1}})
		recorder := pub.Collect(1, time.Second) // it fetches nothing
		defer recorder.Close()
		for i := range 500 {
			time.Sleep(40 * time.Millisecond)
			began := time.Now()
			write(t, pub, padded(frame(uint32(10_000+40*i), i), 1_000),
				padded(flv.Tag{Type: flv.TagAudio, Timestamp: uint32(40 * i), Body: []byte{0xaf, 1, 0}}, 200))
			if !assert.Zero(t, time.Since(began), i) {
				break
			}
		}
	})
}
