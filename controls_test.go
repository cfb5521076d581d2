package rtmp

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestManySeeks checks that each of many concurrent Seeks gets the answer to its own command: the server refuses the odd positions.
func TestManySeeks(t *testing.T) {
	const seeks, rounds = 8, 100
	_, s := playing(t, newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		for cmd := p.Expect("seek"); cmd != nil; cmd = p.Expect("seek") {
			if int(cmd.Args[0].(float64))%2 == 0 {
				p.Status(message.CodeSeekNotify)
			} else {
				p.Status(message.CodeSeekInvalidTime)
			}
		}
	}), nil)
	ctx := conntest.Context(t)
	for range rounds {
		var seeking sync.WaitGroup
		for range seeks {
			odd := rand.IntN(2) == 1
			seeking.Go(func() {
				to := 2 * time.Millisecond
				if odd {
					to = 3 * time.Millisecond
				}
				var refused *StatusError
				err := s.Seek(ctx, to)
				assert.Equal(t, odd, errors.As(err, &refused), "%v", err)
			})
		}
		seeking.Wait()
		if t.Failed() {
			return
		}
	}
}

// TestOneStatusForEqualPauses checks that one notification answers all Pauses that the server has not answered, since some servers notify
// only changes. A Pause of a stream that the server has paused sends nothing.
func TestOneStatusForEqualPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan string)
		s := seekable(t, func(p *peer) {
			for _, on := range []bool{true, false, true} {
				for range 2 {
					assert.Equal(t, on, p.NextCommand().Args[0])
				}
				p.Status(<-answer)
			}
			assert.Equal(t, "deleteStream", p.NextCommand().Name)
		})
		ended := make(chan error, 2)
		both := func(f func(context.Context) error, code string) {
			for range cap(ended) {
				go func() { ended <- f(t.Context()) }()
				synctest.Wait()
			}
			answer <- code
			assert.Zero(t, elapsed(func() {
				for range cap(ended) {
					assert.NoError(t, <-ended)
				}
				assert.NoError(t, f(t.Context()), "the server would not answer")
			}))
		}
		both(s.Pause, message.CodePauseNotify)
		both(s.Unpause, message.CodeUnpauseNotify)
		both(s.Pause, message.CodePauseNotify)
		require.NoError(t, s.Close())
	})
}

// TestSkippedPause checks that the notification of a later request also answers a Pause that the server has passed over because the stream
// was paused.
func TestSkippedPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seekable(t, func(p *peer) {
			p.Expect("pause")
			p.Expect("pause")
			p.Status(message.CodeUnpauseNotify)
		})
		paused := make(chan error, 1)
		go func() { paused <- s.Pause(t.Context()) }()
		synctest.Wait()
		assert.Zero(t, elapsed(func() {
			assert.NoError(t, s.Unpause(t.Context()))
			assert.NoError(t, <-paused)
		}))
	})
}

// TestPausesThatDiffer checks that a notification does not answer a request after one for the opposite.
func TestPausesThatDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan string)
		s := seekable(t, func(p *peer) {
			for range 3 {
				p.Expect("pause")
			}
			for code := range answer {
				p.Status(code)
			}
		})
		defer close(answer)
		requests := []func(context.Context) error{s.Pause, s.Unpause, s.Pause}
		ended := make(chan int, len(requests))
		for i, request := range requests {
			go func() {
				assert.NoError(t, request(t.Context()))
				ended <- i
			}()
			synctest.Wait()
		}
		for i, code := range []string{message.CodePauseNotify, message.CodeUnpauseNotify, message.CodePauseNotify} {
			answer <- code
			assert.Equal(t, i, <-ended)
			synctest.Wait()
			assert.Empty(t, ended)
		}
	})
}

// abandon calls request and cancels its context after a second, before the server answers.
func abandon(t *testing.T, request func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, request(ctx), context.DeadlineExceeded)
}

// TestLateAnswerOfSeek checks that the late answer of a Seek that no longer waits does not answer the next Seek, whose media follows the
// second notification.
func TestLateAnswerOfSeek(t *testing.T) {
	for _, code := range []string{message.CodeSeekNotify, message.CodeSeekInvalidTime} {
		synctest.Test(t, func(t *testing.T) {
			s := seekable(t, func(p *peer) {
				p.Expect("seek")
				p.Expect("seek")
				p.Status(code)
				p.Media(message.TypeAudio, 20, []byte("old"))
				p.Status(message.CodeSeekNotify)
				p.Media(message.TypeAudio, 30, []byte("new"))
			})
			abandon(t, func(ctx context.Context) error { return s.Seek(ctx, time.Minute) })
			require.NoError(t, s.Seek(t.Context(), time.Hour))
			var p Packet
			require.NoError(t, s.ReadPacket(&p))
			assert.Equal(t, "new", string(p.Body))
		})
	}
}

// TestSeekAfterOneWithoutAnswer checks that a Seek which the server has never answered does not take the answer of one that comes more than
// Options.Timeout later.
func TestSeekAfterOneWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seekable(t, func(p *peer) {
			p.Expect("seek")
			p.Expect("seek")
			p.Status(message.CodeSeekNotify)
		})
		abandon(t, func(ctx context.Context) error { return s.Seek(ctx, time.Minute) })
		time.Sleep(time.Minute)
		assert.Zero(t, elapsed(func() { require.NoError(t, s.Seek(t.Context(), time.Hour)) }))
	})
}

// TestSeekRefusedByID checks that a late _error with the id of a Seek that no longer waits leaves the next notification to the next Seek.
func TestSeekRefusedByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seekable(t, func(p *peer) {
			first := p.Expect("seek")
			p.Expect("seek")
			p.Call(0, "_error", first.TransactionID, nil, message.StatusObject("error", "NetStream.Failed", "no"))
			p.Status(message.CodeSeekNotify)
		})
		abandon(t, func(ctx context.Context) error { return s.Seek(ctx, time.Minute) })
		assert.Zero(t, elapsed(func() { require.NoError(t, s.Seek(t.Context(), time.Hour)) }))
	})
}

// TestLateRefusalOfPause checks that the stream continues if the server refuses a Pause that no longer waits, in whatever words, but ends if
// the server says that it can't be played any more.
func TestLateRefusalOfPause(t *testing.T) {
	for code, ends := range map[string]bool{"NetStream.Failed": false, message.CodeCallFailed: false, message.CodePlayFailed: true} {
		synctest.Test(t, func(t *testing.T) {
			s := seekable(t, func(p *peer) {
				p.Expect("pause")
				time.Sleep(2 * time.Second)
				p.Call(1, "onStatus", 0, nil, message.StatusObject("error", code, "no"))
				p.Media(message.TypeAudio, 20, []byte("after"))
			})
			abandon(t, s.Pause)
			time.Sleep(2 * time.Second)
			var p Packet
			err := s.ReadPacket(&p)
			if ends {
				var refused *StatusError
				require.ErrorAs(t, err, &refused)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "after", string(p.Body))
		})
	}
}

// TestPauseAfterUnpauseWithoutNotification checks that Pause is sent if the server has continued without a notification, although its last
// notification says that the stream is paused.
func TestPauseAfterUnpauseWithoutNotification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seekable(t, func(p *peer) {
			p.Expect("pause")
			p.Status(message.CodePauseNotify)
			p.Expect("pause")
			if cmd := p.Expect("pause"); cmd != nil {
				assert.Equal(t, true, cmd.Args[0])
			}
			p.Status(message.CodePauseNotify)
			assert.Equal(t, "deleteStream", p.NextCommand().Name)
		})
		require.NoError(t, s.Pause(t.Context()))
		abandon(t, s.Unpause)
		time.Sleep(time.Minute)
		require.NoError(t, s.Pause(t.Context()))
		require.NoError(t, s.Close())
	})
}

// TestPauseAfterLateNotifications checks that Pause is sent if the last request was to continue, although the last notification, which
// answers an earlier request, says that the stream is paused.
func TestPauseAfterLateNotifications(t *testing.T) {
	const paused, continued = message.CodePauseNotify, message.CodeUnpauseNotify
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan string)
		s := seekable(t, func(p *peer) {
			asked := func(list ...bool) {
				for _, on := range list {
					if cmd := p.Expect("pause"); cmd != nil {
						assert.Equal(t, on, cmd.Args[0])
					}
				}
				p.Status(<-answers)
			}
			asked(true, true)
			asked(false, true)
			asked(false)
			asked()
			asked(true)
			asked()
			assert.Equal(t, "deleteStream", p.NextCommand().Name)
		})
		ended := make(chan error, 2)
		start := func(f func(context.Context) error) {
			go func() { ended <- f(t.Context()) }()
			synctest.Wait()
		}
		answer := func(code string, ends int) {
			answers <- code
			synctest.Wait()
			require.Len(t, ended, ends)
			for range ends {
				require.NoError(t, <-ended)
			}
		}
		var reading sync.WaitGroup
		reading.Go(func() { s.ReadPacket(new(Packet)) }) // so that notifications arrive
		start(s.Pause)
		start(s.Pause)
		answer(paused, 2) // the answer to the first
		start(s.Unpause)
		start(s.Pause)
		answer(paused, 2) // to the second
		start(s.Unpause)
		answer(continued, 1)
		answer(paused, 0)
		start(s.Pause)
		require.Empty(t, ended)
		answer(continued, 0)
		answer(paused, 1)
		require.NoError(t, s.Close())
		reading.Wait()
	})
}
