package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// TestOtherCalls checks that Call.Others reports whether other calls were unanswered when the call was made.
func TestOtherCalls(t *testing.T) {
	var table calls
	for _, others := range []bool{false, true, true} {
		k, err := table.NewCall("ask", 0)
		require.NoError(t, err)
		require.Equal(t, others, k.Others)
	}
}

// TestCallThatIsDoneAlready checks that the function is called exactly once if Complete and WhenDone run at the same time.
func TestCallThatIsDoneAlready(t *testing.T) {
	for range 1000 {
		k := new(Call)
		var ran atomic.Int32
		var both sync.WaitGroup
		both.Go(func() { k.fail(nil) })
		both.Go(func() { k.WhenDone(func() { ran.Add(1) }) })
		both.Wait()
		require.EqualValues(t, 1, ran.Load())
	}
}

func TestTransactionIDs(t *testing.T) {
	var table calls
	made := map[float64]*Call{}
	id := func(want float64) float64 {
		k, err := table.NewCall("m", want)
		require.NoError(t, err)
		made[k.ID] = k
		return k.ID
	}
	require.Equal(t, 1.0, id(1))
	require.Equal(t, 2.0, id(0), "1 was the next")
	require.Equal(t, 4.0, id(4))
	require.Equal(t, 3.0, id(0), "4 was not")
	require.Equal(t, 5.0, id(0), "4 is waited for")
	require.Equal(t, 6.0, table.NextID())
	made[4].Forget()
	require.Equal(t, 4, table.PendingCalls())
	require.Equal(t, 7.0, id(7))
	made[7].Forget()
	require.Equal(t, 8.0, id(0), "7 was used")
}

// TestTransactionIDInUse checks that a call cannot use the transaction id of an unanswered call. The unanswered call must still get its
// answer.
func TestTransactionIDInUse(t *testing.T) {
	var table calls
	first, err := table.NewCall("first", 7)
	require.NoError(t, err)
	_, err = table.NewCall("second", 7)
	require.ErrorContains(t, err, "second: transaction id 7 ")
	found, err := table.CallAnswered(&message.Command{Name: "_result", TransactionID: 7, Args: []any{1.0}}, nil)
	require.NoError(t, err)
	require.True(t, found)
	require.True(t, first.IsDone())
	third, err := table.NewCall("third", 7)
	require.NoError(t, err)
	first.Forget()
	found, err = table.CallAnswered(&message.Command{Name: "_result", TransactionID: 7}, nil)
	require.NoError(t, err)
	require.True(t, found)
	require.True(t, third.IsDone(), "Forget has removed another call of the same id")
}

// TestCallWaits checks that a call waits for the given time or for Config.Timeout, and not at all if it has been answered.
func TestCallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := pair(t, Config{Timeout: time.Minute})
		k, err := client.session.NewCall("ask", 0)
		require.NoError(t, err)
		for _, wait := range []struct {
			limit, after time.Duration
		}{{0, time.Minute}, {time.Second, time.Second}} {
			began := time.Now()
			var timeout *TimeoutError
			require.ErrorAs(t, k.WaitWithin(context.Background(), wait.limit), &timeout)
			require.Equal(t, "ask", timeout.What)
			require.Equal(t, wait.after, time.Since(began))
		}
		k.Complete(nil)
		require.NoError(t, k.Wait(context.Background()))
		var answered Call
		answered.AnswerAtOnce("ask")
		require.NoError(t, answered.Wait(context.Background()))
	})
}

func TestCallAnswered(t *testing.T) {
	damage, refused := errors.New("damage"), errors.New("refused")
	status := message.StatusObject("error", "code", "SECRET is busy")
	for name, test := range map[string]struct {
		answer message.Command
		damage error
		accept func([]any) error
		want   any
		err    string // expected error of the call
		fatal  bool
		undone bool
	}{
		"a result":         {answer: message.Command{Name: "_result", Args: []any{7.0}}, want: 7.0},
		"nothing":          {answer: message.Command{Name: "_result", Args: []any{}}},
		"a refusal":        {answer: message.Command{Name: "_error", Args: []any{status}}, err: "*** is busy"},
		"a damaged result": {answer: message.Command{Name: "_result"}, damage: damage, err: "answer to ask: damage"},
		"damage after it":  {answer: message.Command{Name: "_result", Args: []any{7.0}}, damage: damage, want: 7.0},
		"damaged where it counts": {answer: message.Command{Name: "_result"}, damage: damage, accept: func([]any) error { return nil },
			err: "damage", fatal: true},
		"not accepted": {answer: message.Command{Name: "_result", Args: []any{7.0}}, accept: func(reply []any) error {
			require.Equal(t, []any{amf.Object(nil), 7.0}, reply)
			return refused
		}, fatal: true, undone: true},
	} {
		t.Run(name, func(t *testing.T) {
			table := calls{mask: func(s string) string { return strings.ReplaceAll(s, "SECRET", "***") }}
			k, err := table.NewCall("ask", 5)
			require.NoError(t, err)
			k.BeforeResult(test.accept)
			test.answer.TransactionID = 4
			found, err := table.CallAnswered(&test.answer, test.damage)
			require.False(t, found, "another's")
			require.NoError(t, err)
			test.answer.TransactionID = 5
			if test.accept != nil {
				test.answer.Object = amf.Object(nil)
			}
			found, err = table.CallAnswered(&test.answer, test.damage)
			require.True(t, found)
			require.Equal(t, test.fatal, err != nil)
			require.Equal(t, !test.undone, k.IsDone())
			got, err := k.Result()
			require.Equal(t, test.want, got)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}

// TestPendingCallsAreBounded checks that the number of unanswered calls is bounded.
func TestPendingCallsAreBounded(t *testing.T) {
	var table calls
	first, err := table.NewCall("ask", 0)
	for range maxPendingCalls - 1 {
		require.NoError(t, err)
		_, err = table.NewCall("ask", 0)
	}
	_, err = table.NewCall("ask", 0)
	require.ErrorContains(t, err, "65536 calls")
	first.Forget()
	_, err = table.NewCall("ask", 0)
	require.NoError(t, err)
}

// TestTimersOfBubbles checks that a Session in a synctest bubble uses only timers of its own bubble.
func TestTimersOfBubbles(t *testing.T) {
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			client, _ := pair(t, Config{Timeout: time.Second})
			client.session.StartStanding()
			synctest.Wait()
			var late *TimeoutError
			k, err := client.session.NewCall("ask", 0)
			require.NoError(t, err)
			require.ErrorAs(t, k.Wait(t.Context()), &late)
		})
	}
}
