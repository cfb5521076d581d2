package live_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

func TestASlowPlayerGoesOnWithTheNewestKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 20_000}})
		slow, quick := newClient(65536), newClient(65536)
		p, other := play(t, h, slow), play(t, h, quick)
		write(t, pub, videoHeader(1), audioHeader(1), key(0, 1))
		slow.got()
		slow.stall(true)
		write(t, pub, frame(40, 2))
		synctest.Wait() // the sink has the message
		var sent []flv.Tag
		for i := range 10 {
			sent = append(sent, padded(key(uint32(100+100*i), 10+i), 4_000), padded(frame(uint32(150+100*i), 30+i), 2_000))
		}
		for _, tag := range sent {
			write(t, pub, tag)
			synctest.Wait()
		}
		slow.stall(false)
		assert.Equal(t, brief(append([]flv.Tag{videoHeader(1), audioHeader(1), key(0, 1), frame(40, 2)}, sent[18:]...)), brief(slow.got()), "no headers: they are the same")
		st := p.Stats()
		assert.EqualValues(t, 18, st.Missed)
		assert.EqualValues(t, 1, st.Resyncs)
		assert.Len(t, quick.got(), 24)
		assert.Zero(t, other.Stats().Missed)

		slow.stall(true)
		write(t, pub, frame(1100, 50))
		synctest.Wait()
		write(t, pub, videoHeader(2))
		for _, tag := range sent {
			write(t, pub, tag)
			synctest.Wait()
		}
		slow.stall(false)
		assert.Equal(t, brief(append([]flv.Tag{frame(1100, 50), at(1000, videoHeader(2)), at(1000, audioHeader(1))}, sent[18:]...)), brief(slow.got()[6:]))
		assert.EqualValues(t, 37, p.Stats().Missed)
		assert.EqualValues(t, 37, h.Stats()[0].Missed)
		assert.EqualValues(t, 2, h.Stats()[0].Resyncs)
		p.Close()
		assert.EqualValues(t, 37, h.Stats()[0].Missed, "what was missed by those who have left counts")
	})
}

func TestWithoutAKeyFrameASlowPlayerWaitsForOne(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 5_000}})
		sub, err := h.Subscribe("app/name", live.PlayOptions{})
		require.NoError(t, err)
		defer sub.Close()
		recorder := pub.Collect(1, time.Second)
		defer recorder.Close()
		write(t, pub, key(0, 1))
		for i := range 10 {
			write(t, pub, padded(frame(uint32(40*i), i), 1_000))
		}
		assert.Empty(t, fetch(t, sub))
		write(t, pub, sound(400, 1), frame(400, 10), key(440, 2), frame(480, 11))
		assert.Equal(t, []flv.Tag{key(440, 2), frame(480, 11)}, fetch(t, sub))
		assert.EqualValues(t, 13, sub.Missed())

		assert.Equal(t, brief([]flv.Tag{padded(frame(280, 7), 1_000), padded(frame(320, 8), 1_000), padded(frame(360, 9), 1_000), sound(400, 1), frame(400, 10), key(440, 2), frame(480, 11)}),
			brief(fetch(t, recorder)), "a recorder takes what there is")
		assert.EqualValues(t, 8, recorder.Missed())
	})
}

func TestTheLogIsBounded(t *testing.T) {
	for name, row := range map[string]struct {
		policy live.Policy
		most   int
	}{
		"bytes": {live.Policy{Backlog: 100_000}, 100_000 + 1_400},
		"time":  {live.Policy{BacklogTime: 200 * time.Millisecond}, 12 * 1_400},
		"both":  {live.Policy{Backlog: 8_000, BacklogTime: 200 * time.Millisecond}, 8_000 + 1_400},
	} {
		withHub(t, func(t *testing.T, h *live.Hub) {
			pub := publish(t, h, live.PublishOptions{Policy: row.policy})
			recorder := pub.Collect(1, time.Second) // a recorder that fetches no messages
			defer recorder.Close()
			most := 0
			for i := range 1000 {
				write(t, pub, padded(frame(uint32(20*i), i), 1_000)) // no key frames
				most = max(most, h.Stats()[0].Backlog)
				time.Sleep(20 * time.Millisecond)
			}
			assert.LessOrEqual(t, most, row.most, name)
			assert.Greater(t, most, row.most/2, name)

			write(t, pub, padded(key(0, 0), 300_000))
			if row.policy.Backlog == 0 {
				return
			}
			assert.Less(t, h.Stats()[0].Backlog, row.policy.Backlog+301_000, "%s: the newest message does not count", name)
			write(t, pub, frame(0, 0))
			assert.Less(t, h.Stats()[0].Backlog, 1_400, "%s: the newest message is there, and no other", name)
		})
	}
}

func TestTheLogKeepsNoMoreThanPlayersNeed(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		p := play(t, h, c)
		for i := range 10 {
			write(t, pub, padded(key(0, i), 1_000), padded(frame(0, i), 1_000), padded(frame(0, i), 1_000))
			c.got()
		}
		assert.Less(t, h.Stats()[0].Backlog, 4_000, "from the last key frame on")

		p.Pause(true)
		write(t, pub, padded(key(0, 1), 1_000))
		assert.Less(t, h.Stats()[0].Backlog, 1_500, "who pauses needs nothing")
		p.Pause(false)
		c.got()
		c.stall(true)
		write(t, pub, frame(0, 1))
		synctest.Wait()
		for i := range 10 {
			write(t, pub, padded(key(0, i), 1_000))
		}
		assert.Greater(t, h.Stats()[0].Backlog, 10_000, "who is slow needs all of it")
		c.stall(false)
	})
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		for i := range 100 {
			write(t, pub, padded(sound(0, i), 1_000))
		}
		assert.Less(t, h.Stats()[0].Backlog, 1_500, "of sound alone nothing")
	})
}

// TestHeadersAreBounded checks that a publisher that changes its headers all the time can't make the hub keep more than the backlog.
func TestHeadersAreBounded(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 4 << 20, MaxBitrate: -1}})
		before := heap()
		for i := range 40 {
			write(t, pub, padded(videoHeader(i), 1<<20-1_000), key(0, i))
		}
		for i := range 5_000 {
			write(t, pub, videoHeader(i), key(0, i))
		}
		assert.Less(t, heap()-before, 12<<20)
		c := newClient(65536)
		play(t, h, c)
		assert.Equal(t, []flv.Tag{at(0, videoHeader(4_999)), key(0, 4_999)}, c.got())
	})
}

// TestHeadersCostTwice checks that the backlog counts a header twice: the message, and the copy that is kept for players that join.
func TestHeadersCostTwice(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, padded(videoHeader(1), 10_000))
		assert.InDelta(t, 20_000, pub.Stats().Backlog, 1_000)
		write(t, pub, padded(videoHeader(1), 10_000))
		assert.InDelta(t, 30_000, pub.Stats().Backlog, 2_000, "it is the same header")
	})
}

// heap returns the number of bytes in use.
func heap() int {
	runtime.GC()
	runtime.GC() // the second collection empties sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestStalledPlayersShareWhatTheyWaitFor checks that stalled players share the messages that they have not received. Their memory must not
// grow while a stream is published.
func TestStalledPlayersShareWhatTheyWaitFor(t *testing.T) {
	const n = 2000
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{MaxBitrate: -1, Backlog: 2 << 20}})
		clients := make([]*holder, n)
		before := heap()
		for i := range clients {
			clients[i] = &holder{release: make(chan struct{})}
			_, err := h.Play("app/name", clients[i], live.PlayOptions{})
			require.NoError(t, err)
		}
		synctest.Wait()
		idle := heap()
		write(t, pub, key(0, 0))
		synctest.Wait()
		for i := range 1000 {
			write(t, pub, padded(key(uint32(i), i), 10_000), padded(frame(uint32(i), i), 10_000))
		}
		synctest.Wait()
		stalled := heap()
		t.Logf("%d bytes an idle player, %d more a stalled one", (idle-before)/n, (stalled-idle-2<<20)/n)
		assert.Less(t, (idle-before)/n, 2_048, "with what the runtime keeps of a goroutine that has ended")
		assert.Less(t, (stalled-idle-2<<20)/n, 2_048, "without the stack of its goroutine")
		for _, c := range clients {
			close(c.release)
		}
	})
}

// holder is a Sink that accepts nothing until it is released.
type holder struct{ release chan struct{} }

func (h *holder) TryWrite([][]byte) (ok, ready bool) { return false, false }

func (h *holder) Write([][]byte) error {
	<-h.release
	return nil
}

// TestAllocations checks that delivering a message to a player does not allocate.
func TestAllocations(t *testing.T) {
	for name, patient := range map[string]bool{"TryWrite": false, "Write": true} {
		h := live.NewHub(live.Config{})
		pub := publish(t, h, live.PublishOptions{})
		taken := make(chan struct{}, 100)
		for range 100 {
			begun := make(chan struct{})
			_, err := h.Play("app/name", &counter{taken, patient}, live.PlayOptions{Begun: func() { close(begun) }})
			require.NoError(t, err)
			<-begun
		}
		send := func(tag flv.Tag) {
			require.NoError(t, pub.Write(tag))
			for range 100 {
				<-taken
			}
		}
		send(key(0, 1))
		tag := padded(frame(0, 1), 1000)
		assert.Less(t, testing.AllocsPerRun(200, func() { send(tag) }), 100.0, "%s: a message to 100 players", name)
		h.Close()
	}
}

// counter is a Sink that signals when it has accepted a message.
type counter struct {
	taken   chan struct{}
	patient bool
}

func (c *counter) TryWrite(b [][]byte) (ok, ready bool) {
	if c.patient {
		return false, false
	}
	return true, c.Write(b) == nil
}

func (c *counter) Write(b [][]byte) error {
	for range b {
		c.taken <- struct{}{}
	}
	return nil
}
