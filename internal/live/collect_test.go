package live_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// TestCollect checks when a recorder that collects gets its messages.
func TestCollect(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		recorder := pub.Collect(1_400, time.Second)
		began := time.Now()
		var mu sync.Mutex
		var got []string // the number of messages in each batch, and the time at which the batch came
		recorded := make(chan error, 1)
		go func() {
			for {
				batch, err := recorder.NextBatch(context.Background(), nil)
				if err != nil {
					recorded <- err
					return
				}
				mu.Lock()
				got = append(got, fmt.Sprint(len(batch), " at ", time.Since(began)))
				mu.Unlock()
			}
		}()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, want, got)
			got = nil
		}
		synctest.Wait()
		write(t, pub, key(0, 1), frame(40, 2))
		time.Sleep(999 * time.Millisecond)
		expect()
		time.Sleep(time.Millisecond)
		expect("2 at 1s")

		write(t, pub, padded(frame(80, 3), 999))
		expect()
		write(t, pub, frame(120, 4))
		expect("2 at 1s")

		time.Sleep(9 * time.Second)
		write(t, pub, frame(200, 5))
		time.Sleep(time.Second)
		expect("1 at 11s")
		time.Sleep(10 * time.Millisecond)
		write(t, pub, frame(240, 6))
		pub.Close()
		expect("1 at 11.01s") // the end of the publication wakes the recorder
		assert.ErrorIs(t, <-recorded, io.EOF)
		assert.Zero(t, recorder.Missed())
		recorder.Close()
	})
}

// TestCollectMoreThanABatch checks that a recorder does not wait if some messages did not fit in the last batch.
func TestCollectMoreThanABatch(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		recorder := pub.Collect(100_000, time.Second)
		defer recorder.Close()
		for i := range 100 {
			write(t, pub, padded(key(0, i), 1_000))
		}
		begin := time.Now()
		for count := 0; count < 100; {
			batch, err := recorder.NextBatch(t.Context(), nil)
			require.NoError(t, err)
			count += len(batch)
		}
		assert.Zero(t, time.Since(begin))
	})
}

// TestASlowRecorderKeepsItsBatch checks that the memory of the messages that a recorder is using is not reused, even after the log has
// dropped them.
func TestASlowRecorderKeepsItsBatch(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 10_000}})
		recorder := pub.Collect(1, time.Second)
		defer recorder.Close()
		write(t, pub, padded(key(0, 1), 1_000))
		batch, err := recorder.NextBatch(t.Context(), nil)
		require.NoError(t, err)
		want := bytes.Clone(batch[0].Tag().Body)
		for i := range 100 {
			write(t, pub, padded(frame(0, i), 1_000))
			require.Equal(t, want, batch[0].Tag().Body)
		}
		_, err = recorder.NextBatch(t.Context(), nil)
		require.NoError(t, err)
		assert.NotZero(t, recorder.Missed())
	})
}

// TestCollectEnds checks that a recorder that collects stops waiting when it is closed, and when its context is done.
func TestCollectEnds(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, key(0, 1))
		for _, end := range []func(recorder *live.Subscriber, cancel func()){
			func(recorder *live.Subscriber, _ func()) { recorder.Close() },
			func(_ *live.Subscriber, cancel func()) { cancel() },
		} {
			recorder := pub.Collect(1_000, time.Second)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := recorder.NextBatch(ctx, nil)
				ended <- err
			}()
			synctest.Wait()
			begin := time.Now()
			end(recorder, cancel)
			assert.Error(t, <-ended)
			assert.Zero(t, time.Since(begin))
			cancel()
			recorder.Close()
		}
		pub.Close()
		late := pub.Collect(1_000, time.Second)
		_, err := late.NextBatch(t.Context(), nil)
		assert.ErrorIs(t, err, io.EOF)
	})
}

// TestCollectLessThanTheLogHolds checks that a recorder does not wait so long that the log drops messages.
func TestCollectLessThanTheLogHolds(t *testing.T) {
	for name, policy := range map[string]live.Policy{
		"bytes": {Backlog: 20_000}, "time": {BacklogTime: 200 * time.Millisecond},
	} {
		withHub(t, func(t *testing.T, h *live.Hub) {
			pub := publish(t, h, live.PublishOptions{Policy: policy})
			recorder := pub.Collect(100_000, time.Second)
			got := make(chan int)
			go func() {
				n := 0
				for {
					batch, err := recorder.NextBatch(context.Background(), nil)
					if n += len(batch); err != nil {
						got <- n
						return
					}
				}
			}()
			for i := range 1000 {
				write(t, pub, padded(frame(uint32(20*i), i), 1_000))
				time.Sleep(20 * time.Millisecond)
			}
			pub.Close()
			assert.Equal(t, 1000, <-got, name)
			assert.Zero(t, recorder.Missed(), name)
			recorder.Close()
		})
	}
}

// TestCollectManySmallMessages checks that a recorder does not wait until the log has dropped messages whose bodies are so small that they
// hardly count.
func TestCollectManySmallMessages(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 80_000}})
		recorder := pub.Collect(100_000, time.Second)
		defer recorder.Close()
		got := make(chan int)
		go func() {
			n := 0
			for {
				batch, err := recorder.NextBatch(context.Background(), nil)
				if n += len(batch); err != nil {
					got <- n
					return
				}
			}
		}()
		for range 2000 {
			write(t, pub, flv.Tag{Type: flv.TagAudio, Body: []byte{0xff}})
			synctest.Wait()
		}
		pub.Close()
		assert.Equal(t, 2000, <-got)
		assert.Zero(t, recorder.Missed())
	})
}

// TestCollectBeforeALargeMessage checks that a message almost as large as Backlog does not make the log drop what a recorder has not fetched.
func TestCollectBeforeALargeMessage(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 80_000}})
		recorder := pub.Collect(100_000, time.Second)
		defer recorder.Close()
		for n := range 3 {
			write(t, pub, flv.Tag{Type: flv.TagAudio, Body: bytes.Repeat([]byte{0xff}, []int{10, 10, 79_900}[n])})
		}
		pub.Close()
		batch, err := recorder.NextBatch(context.Background(), nil)
		require.NoError(t, err)
		assert.Len(t, batch, 3)
		assert.Zero(t, recorder.Missed())
	})
}

// TestMessagesInUseAreNotReused checks that the memory of messages is not used for others while somebody may read it: for ever if a program
// got them, and until the next batch if a recorder did.
func TestMessagesInUseAreNotReused(t *testing.T) {
	join := map[string]func(h *live.Hub, pub *live.Publisher) (*live.Subscriber, error){
		"program": func(h *live.Hub, _ *live.Publisher) (*live.Subscriber, error) {
			return h.Subscribe("app/name", live.PlayOptions{})
		},
		"recorder": func(_ *live.Hub, pub *live.Publisher) (*live.Subscriber, error) {
			return pub.Collect(1, time.Second), nil
		},
	}
	for name, join := range join {
		withHub(t, func(t *testing.T, h *live.Hub) {
			pub := publish(t, h, live.PublishOptions{})
			sub, err := join(h, pub)
			require.NoError(t, err)
			defer sub.Close()
			var inUse []*live.Message
			var bodies [][]byte
			for n := range 20 {
				write(t, pub, padded(key(0, n), 2_000))
				for i := range 9 {
					write(t, pub, padded(frame(0, 10*n+i), 1_000))
				}
				for i, m := range inUse {
					require.Equal(t, bodies[i], m.Tag().Body, name)
				}
				batch, err := sub.NextBatch(t.Context(), nil)
				require.NoError(t, err)
				require.Len(t, batch, 10)
				if name == "recorder" {
					inUse, bodies = nil, nil
				}
				for _, m := range batch {
					inUse, bodies = append(inUse, m), append(bodies, bytes.Clone(m.Tag().Body))
				}
			}
		})
	}
}

// TestUnwatchedMessagesAreReused checks that a publisher without players allocates nothing for its messages after the first groups of
// pictures.
func TestUnwatchedMessagesAreReused(t *testing.T) {
	h := live.NewHub(live.Config{})
	defer h.Close()
	pub := publish(t, h, live.PublishOptions{Policy: live.Policy{MaxBitrate: -1}})
	tags := []flv.Tag{padded(key(0, 1), 120_000)}
	for i := range 49 {
		tags = append(tags, padded(frame(0, i), 10_000), padded(sound(0, i), 300))
	}
	for range 3 {
		write(t, pub, tags...)
	}
	allocated := testing.AllocsPerRun(20, func() { write(t, pub, tags...) })
	assert.Less(t, allocated, float64(len(tags))/2, "the race detector makes the pools forget some")
}
