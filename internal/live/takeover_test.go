package live_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

func TestAPublisherComesBackWhileTheStreamLingers(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		first := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		play(t, h, c)
		write(t, first, videoHeader(1), audioHeader(1), key(90_000, 1), frame(90_040, 2))
		first.Close()
		time.Sleep(3 * time.Second)

		second := publish(t, h, live.PublishOptions{Policy: live.Policy{PublishIdle: -1}})
		write(t, second, videoHeader(1), audioHeader(2), frame(500, 3), sound(520, 1), key(540, 4), frame(580, 5))
		assert.Equal(t, []flv.Tag{at(93_040, audioHeader(2)), sound(93_060, 1), key(93_080, 4), frame(93_120, 5)}, c.got()[4:],
			"only headers that have changed, time goes on by what has passed, no picture before a key frame")
		assert.Equal(t, 1, c.begun)

		joined := newClient(65536)
		play(t, h, joined)
		assert.Equal(t, at(93_080, videoHeader(1)), joined.got()[0], "headers that were not given again are known all the same")

		time.Sleep(time.Minute - time.Second)
		write(t, second, frame(620, 6))
		assert.Len(t, c.got(), 9, "lingering is over")
	})
}

func TestTimeNeverRunsBackAtTakeover(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		always := live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways}}
		first := publish(t, h, always)
		c := newClient(65536)
		play(t, h, c)
		write(t, first, sound(10_000, 1))

		second := publish(t, h, always)
		write(t, second, audioHeader(1), sound(4_000_000_000, 2), sound(3_999_999_970, 3), sound(4_000_000_020, 4))
		assert.Equal(t, []flv.Tag{at(10_001, audioHeader(1)), sound(10_001, 2), sound(10_001, 3), sound(10_021, 4)}, c.got()[1:])

		third := publish(t, h, always)
		write(t, third, audioHeader(1), sound(0, 5))
		assert.Equal(t, []flv.Tag{sound(10_022, 5)}, c.got()[5:])

		publish(t, h, always) // the publisher sends nothing
		time.Sleep(time.Second)
		fifth := publish(t, h, always)
		write(t, fifth, audioHeader(1), sound(7, 6))
		assert.Equal(t, []flv.Tag{sound(11_022, 6)}, c.got()[6:])
	})
}

func TestTakeover(t *testing.T) {
	type options = live.PublishOptions
	stale, never, always := live.Policy{}, live.Policy{Takeover: live.TakeNever}, live.Policy{Takeover: live.TakeAlways}
	for name, row := range map[string]struct {
		old, newcomer options
		silence       time.Duration
		replaces      bool
	}{
		"stale: somebody else":              {options{Host: "a"}, options{Policy: stale, Host: "b"}, 0, false},
		"stale: nobody knows":               {options{}, options{Policy: stale}, 0, false},
		"stale: same host":                  {options{Host: "a"}, options{Policy: stale, Host: "a"}, 0, true},
		"stale: same user":                  {options{User: "u", Host: "a"}, options{Policy: stale, User: "u", Host: "b"}, 0, true},
		"stale: other user on the host":     {options{User: "u", Host: "a"}, options{Policy: stale, User: "v", Host: "a"}, 0, false},
		"stale: no user on the host":        {options{User: "u", Host: "a"}, options{Policy: stale, Host: "a"}, 0, false},
		"stale: somebody else, late":        {options{Host: "a"}, options{Policy: stale, Host: "b"}, 5 * time.Second, true},
		"stale: somebody else, almost late": {options{Host: "a"}, options{Policy: stale, Host: "b"}, 5*time.Second - 1, false},
		"stale: nobody ever":                {options{Host: "a"}, options{Policy: live.Policy{StaleAfter: -1}, Host: "b"}, 20 * time.Second, false},
		"never":                             {options{Host: "a"}, options{Policy: never, Host: "a"}, 20 * time.Second, false},
		"always":                            {options{Host: "a"}, options{Policy: always, Host: "b"}, 0, true},
	} {
		withHub(t, func(t *testing.T, h *live.Hub) {
			ended := make(chan error, 1)
			row.old.Ended = func(err error) { ended <- err }
			old := publish(t, h, row.old)
			time.Sleep(3 * time.Second)
			write(t, old, key(0, 1))
			time.Sleep(row.silence)
			_, err := h.Publish("app/name", row.newcomer)
			synctest.Wait()
			if !row.replaces {
				assert.ErrorIs(t, err, live.ErrPublished, name)
				assert.Empty(t, ended, name)
				assert.NoError(t, old.Write(key(0, 1)), name)
				return
			}
			require.NoError(t, err, name)
			assert.ErrorIs(t, <-ended, live.ErrReplaced, name)
			assert.ErrorIs(t, old.Write(key(0, 1)), live.ErrReplaced, name)
			assert.ErrorIs(t, old.Err(), live.ErrReplaced, name)
			old.Close()
			assert.True(t, h.Published("app/name"), name)
		})
	}
}

// TestATakeoverEndsTheWaitForAKeyFrame checks that a player that waits for a key frame gets the next publisher's audio at once, like a
// player that joins after the takeover.
func TestATakeoverEndsTheWaitForAKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		always := live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways}}
		write(t, publish(t, h, always), frame(0, 1), sound(10, 1))
		c := newClient(65536)
		play(t, h, c)
		assert.Empty(t, c.got())
		second := publish(t, h, always)
		write(t, second, sound(0, 2), frame(0, 2), key(40, 3))
		assert.Equal(t, []flv.Tag{sound(11, 2), key(51, 3)}, c.got())
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
