package live_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

func TestTheStreamLingersForItsPlayers(t *testing.T) {
	for _, row := range []struct{ linger, wait time.Duration }{{0, 5 * time.Second}, {time.Minute, time.Minute}, {-1, 0}} {
		withHub(t, func(t *testing.T, h *live.Hub) {
			pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Linger: row.linger}})
			c := newClient(65536)
			play(t, h, c)
			write(t, pub, key(0, 1))
			pub.Close()
			left := time.Now()
			assert.False(t, h.Published("app/name"))
			assert.NoError(t, <-c.ended)
			assert.Equal(t, row.wait, time.Since(left))
			assert.Len(t, c.tags, 1)
			assert.Empty(t, h.Stats())
			assert.ErrorIs(t, pub.Write(key(0, 1)), live.ErrClosed)
		})
	}
}

func TestAStreamWithoutPlayersDoesNotLinger(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		p := play(t, h, c)
		pub.Close()
		require.Len(t, h.Stats(), 1)
		p.Close()
		assert.Empty(t, h.Stats())
		assert.Empty(t, c.ended, "who closes is not told")
	})
}

func TestAwait(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		c := newClient(65536)
		o := c.options()
		o.Await = -1
		_, err := h.Play("app/name", c, o)
		require.ErrorIs(t, err, live.ErrNotFound)
		_, err = h.Subscribe("app/name", live.PlayOptions{Await: -1})
		require.ErrorIs(t, err, live.ErrNotFound)

		began := time.Now()
		o.Await = 3 * time.Second
		_, err = h.Play("app/name", c, o)
		require.NoError(t, err)
		sub, err := h.Subscribe("app/name", live.PlayOptions{Await: 4 * time.Second})
		require.NoError(t, err)
		assert.ErrorIs(t, <-c.ended, live.ErrNotFound)
		assert.Equal(t, 3*time.Second, time.Since(began))
		_, err = sub.Next(t.Context())
		assert.ErrorIs(t, err, live.ErrNotFound)
		assert.Equal(t, 4*time.Second, time.Since(began))
		assert.Zero(t, c.begun)

		late := newClient(65536)
		play(t, h, late)
		_, err = h.Play("app/name", c, o)
		require.NoError(t, err)
		time.Sleep(3*time.Second - 1)
		pub := publish(t, h, live.PublishOptions{})
		time.Sleep(time.Second)
		write(t, pub, key(0, 1))
		assert.Len(t, c.got(), 1)
		assert.Len(t, late.got(), 1)
	})
}

func TestAnIdlePublisherIsEnded(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		ended := make(chan error, 1)
		pub := publish(t, h, live.PublishOptions{Ended: func(err error) { ended <- err }})
		for range 3 {
			time.Sleep(20 * time.Second)
			write(t, pub, sound(0, 1))
		}
		last := time.Now()
		assert.ErrorIs(t, <-ended, live.ErrIdle)
		assert.Equal(t, 30*time.Second, time.Since(last))
		assert.ErrorIs(t, pub.Write(sound(0, 2)), live.ErrIdle)
	})
}

func TestAPublisherThatSendsTooMuchIsEnded(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		ended := make(chan error, 1)
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{MaxBitrate: 80_000}, Ended: func(err error) { ended <- err }})
		write(t, pub, padded(key(0, 1), 60_000)) // a short burst
		for range 20 {
			time.Sleep(time.Second)
			write(t, pub, padded(frame(0, 1), 4_000))
		}
		for range 10 {
			time.Sleep(time.Second)
			write(t, pub, padded(frame(0, 1), 10_000))
		}
		assert.ErrorIs(t, pub.Write(padded(frame(0, 1), 1)), live.ErrBitrate)
		assert.ErrorIs(t, <-ended, live.ErrBitrate)
		assert.ErrorIs(t, pub.Err(), live.ErrBitrate)
	})
}

func TestMergeGathers(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Merge: 100 * time.Millisecond}})
		c, patient := newClient(65536), newClient(65536)
		patient.patient = true
		play(t, h, c)
		play(t, h, patient)
		sub, err := h.Subscribe("app/name", live.PlayOptions{})
		require.NoError(t, err)
		defer sub.Close()
		synctest.Wait()
		write(t, pub, key(0, 1))
		time.Sleep(60 * time.Millisecond)
		write(t, pub, frame(60, 2))
		assert.Empty(t, c.got())

		joining := newClient(65536)
		play(t, h, joining)
		assert.Len(t, joining.got(), 2, "who joins does not wait")
		assert.Empty(t, c.got(), "the others still do")

		time.Sleep(40*time.Millisecond - 1)
		assert.Len(t, joining.got(), 2)
		time.Sleep(time.Nanosecond)
		assert.Len(t, c.got(), 2)
		assert.Len(t, patient.got(), 2)
		assert.Equal(t, 1, c.writes)
		assert.Equal(t, 1, patient.writes)
		batch, err := sub.NextBatch(t.Context(), make([]*live.Message, 100))
		require.NoError(t, err)
		assert.Len(t, batch, 102)

		time.Sleep(time.Hour)
	})
}

// TestMergedMessagesAreJoined checks that all players except the first get merged messages in one slice, with the same content.
func TestMergedMessagesAreJoined(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Merge: 100 * time.Millisecond}})
		clients := []*client{newClient(65536), newClient(65536), newClient(65536)}
		for _, c := range clients {
			play(t, h, c)
		}
		write(t, pub, key(0, 1))
		time.Sleep(time.Second)
		for i := range 3 {
			write(t, pub, frame(uint32(1000+i), i))
		}
		time.Sleep(time.Second)
		for i, c := range clients {
			assert.Len(t, c.got(), 4)
			assert.Equal(t, 2, c.writes)
			assert.Equal(t, []int{3, 1, 1}[i], c.slices)
			assert.Equal(t, clients[0].got(), c.got())
		}
	})
}

func TestTheEndComesAfterEverything(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Linger: -1}})
		slow, paused := newClient(65536), newClient(65536)
		play(t, h, slow)
		player := play(t, h, paused)
		sub, err := h.Subscribe("app/name", live.PlayOptions{})
		require.NoError(t, err)
		recorder := pub.Collect(1, time.Second)
		slow.stall(true)
		write(t, pub, key(0, 1))
		synctest.Wait()
		player.Pause(true)
		write(t, pub, frame(40, 2), frame(80, 3))
		pub.Close()
		assert.NoError(t, paused.end(t))
		assert.Len(t, paused.got(), 1)
		assert.Empty(t, slow.ended)
		slow.stall(false)
		assert.NoError(t, slow.end(t))
		assert.Equal(t, []flv.Tag{key(0, 1), frame(40, 2), frame(80, 3)}, slow.tags)
		for _, s := range []*live.Subscriber{sub, recorder} {
			for _, want := range slow.tags {
				m, err := s.Next(t.Context())
				require.NoError(t, err)
				assert.Equal(t, want, m.Tag())
			}
			_, err = s.Next(t.Context())
			assert.ErrorIs(t, err, io.EOF)
			s.Close()
		}
	})
}

func TestARecorderGetsOnePublication(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		always := live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways}}
		first := publish(t, h, always)
		c := newClient(65536)
		play(t, h, c)
		one := first.Collect(1, time.Second)
		write(t, first, videoHeader(1), key(0, 1), frame(40, 2))
		second := publish(t, h, always)
		two := second.Collect(1, time.Second)
		write(t, second, videoHeader(1), key(0, 3))
		late := second.Collect(1, time.Second)
		write(t, second, frame(40, 4))
		second.Close()

		expect := func(s *live.Subscriber, tags ...flv.Tag) {
			t.Helper()
			for _, want := range tags {
				m, err := s.Next(t.Context())
				require.NoError(t, err)
				assert.Equal(t, want, m.Tag())
			}
			_, err := s.Next(t.Context())
			assert.ErrorIs(t, err, io.EOF)
			_, err = s.Next(t.Context())
			assert.ErrorIs(t, err, io.EOF)
			assert.Zero(t, s.Missed())
			s.Close()
		}
		expect(one, videoHeader(1), key(0, 1), frame(40, 2))
		expect(two, at(41, videoHeader(1)), key(41, 3), frame(81, 4))
		expect(late, at(81, videoHeader(1)), frame(81, 4))
		expect(second.Collect(1, time.Second))
		assert.Equal(t, []flv.Tag{videoHeader(1), key(0, 1), frame(40, 2), key(41, 3), frame(81, 4)}, c.got())
	})
}

// TestShutdownWaitsForPublishers checks that Shutdown does not return before all publishers have been informed. The caller can then close
// their connections.
func TestShutdownWaitsForPublishers(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		told := false
		publish(t, h, live.PublishOptions{Ended: func(error) {
			time.Sleep(time.Second)
			told = true
		}})
		assert.NoError(t, h.Shutdown(t.Context()))
		assert.True(t, told)
	})
}

func TestShutdownEndsEverythingProperly(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		ended := make(chan error, 1)
		pub := publish(t, h, live.PublishOptions{Ended: func(err error) { ended <- err }})
		slow, waiting := newClient(65536), newClient(65536)
		play(t, h, slow)
		_, err := h.Play("app/other", waiting, waiting.options())
		require.NoError(t, err)
		synctest.Wait()
		slow.stall(true)
		write(t, pub, key(0, 1), frame(40, 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, h.Shutdown(ctx), context.DeadlineExceeded)
		assert.ErrorIs(t, waiting.end(t), live.ErrClosed)
		assert.Zero(t, waiting.begun)
		assert.ErrorIs(t, <-ended, live.ErrShutdown)
		assert.ErrorIs(t, pub.Write(frame(80, 3)), live.ErrShutdown)
		slow.stall(false)
		assert.NoError(t, h.Shutdown(t.Context()))
		assert.ErrorIs(t, slow.end(t), live.ErrClosed)
		assert.Len(t, slow.tags, 2)

		_, err = h.Publish("app/name", live.PublishOptions{})
		assert.ErrorIs(t, err, live.ErrClosed)
		_, err = h.Play("app/name", slow, slow.options())
		assert.ErrorIs(t, err, live.ErrClosed)
		_, err = h.Subscribe("app/name", live.PlayOptions{})
		assert.ErrorIs(t, err, live.ErrClosed)
	})
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		slow, ready := newClient(65536), newClient(65536)
		play(t, h, slow)
		play(t, h, ready)
		sub, err := h.Subscribe("app/name", live.PlayOptions{})
		require.NoError(t, err)
		recorder := pub.Collect(1, time.Second)
		synctest.Wait()
		slow.stall(true)
		write(t, pub, key(0, 1), frame(40, 2))
		synctest.Wait()
		slow.fail()
		h.Close()
		assert.ErrorIs(t, slow.end(t), errFailed)
		assert.ErrorIs(t, ready.end(t), live.ErrClosed)
		_, err = sub.Next(t.Context())
		assert.ErrorIs(t, err, live.ErrClosed)
		for range 2 {
			_, err = recorder.Next(t.Context())
			assert.NoError(t, err, "a recorder gets the rest")
		}
		_, err = recorder.Next(t.Context())
		assert.ErrorIs(t, err, io.EOF)
		sub.Close()
		recorder.Close()
	})
}

func TestClosingAPlayerWaitsForItsSink(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		p := play(t, h, c)
		c.got()
		c.stall(true)
		write(t, pub, key(0, 1))
		synctest.Wait()
		p.Leave()
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			p.Close()
		}()
		synctest.Wait()
		select {
		case <-closed:
			assert.Fail(t, "closed while the sink was in use")
		default:
		}
		c.stall(false)
		<-closed
		assert.Len(t, c.got(), 1)
		write(t, pub, frame(40, 2))
		assert.Len(t, c.got(), 1)
		assert.Empty(t, c.ended)
		assert.Zero(t, h.Stats()[0].Players)
	})
}

func TestAPlayerMayCloseItselfWhenItIsTold(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Linger: -1}})
		c := newClient(65536)
		o := c.options()
		var p *live.Player
		o.Ended = func(err error) {
			p.Close()
			c.ended <- err
		}
		p, err := h.Play("app/name", c, o)
		require.NoError(t, err)
		pub.Close()
		assert.NoError(t, c.end(t))
	})
}

func TestWhatEndsASinkEndsItsPlayer(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		play(t, h, c)
		c.fail()
		write(t, pub, key(0, 1))
		assert.ErrorIs(t, c.end(t), errFailed)
		assert.Zero(t, h.Stats()[0].Players)
	})
}

func TestStats(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		time.Sleep(time.Minute)
		pub := publish(t, h, live.PublishOptions{Owner: "somebody"})
		_, err := h.Publish("app/another", live.PublishOptions{})
		require.NoError(t, err)
		c := newClient(65536)
		p := play(t, h, c)
		_, err = h.Play("app/waiting", newClient(65536), live.PlayOptions{})
		require.NoError(t, err)
		write(t, pub, padded(key(0, 1), 1000), padded(frame(40, 1), 500))
		c.got()
		all := h.Stats()
		require.Len(t, all, 2)
		assert.Equal(t, "app/another", all[0].Path)
		st := all[1]
		assert.Equal(t, "app/name", st.Path)
		assert.Equal(t, "somebody", st.Publisher)
		assert.Equal(t, time.Now(), st.Since)
		assert.Equal(t, 1, st.Players)
		assert.Equal(t, "H.264", st.Info.VideoCodec)
		assert.EqualValues(t, 2, st.Info.Video.Tags)
		assert.EqualValues(t, 1500, st.BytesIn)
		assert.EqualValues(t, 1500, st.BytesOut)
		assert.InDelta(t, 1500, st.Backlog, 1000)
		assert.EqualValues(t, 1500, p.Stats().BytesOut)
		pub.Close()
		assert.Empty(t, h.Stats()[1].Publisher)
		assert.Empty(t, pub.Stats().Publisher)
		assert.EqualValues(t, 1500, pub.Stats().BytesIn)
	})
}
