package session

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Call is a remote call that has been sent or is about to be sent.
type Call struct {
	ID     float64 // the transaction id
	Method string
	Others bool // other calls were unanswered when this call was made

	NoResult bool // a _result is not the answer, and is ignored; set before the call is registered

	answered bool // object and args are those of the answer
	table    *calls
	done     atomic.Pointer[chan struct{}] // the channel that Done returns; nil until Done is called; completed once the answer and err are set
	object   any                           // the first value of the answer after the transaction id
	args     []any                         // the other values of the answer
	err      error
	then     atomic.Pointer[func()]  // called once, on completion; may be nil
	accept   func(reply []any) error // called with a result before the call is complete; its error ends the Session; may be nil
}

// completed is a closed channel, which Done returns for complete calls.
var completed = func() *chan struct{} {
	c := make(chan struct{})
	close(c)
	return &c
}()

// AnswerAtOnce makes k, which must be new, a complete call of method with an empty answer.
func (k *Call) AnswerAtOnce(method string) {
	k.Method = method
	k.done.Store(completed)
}

// Done returns a channel that is closed when the call is complete. Only Done makes this channel, since a goroutine that reads the answer
// itself does not need one.
func (k *Call) Done() <-chan struct{} {
	if k.done.Load() == nil {
		c := make(chan struct{})
		k.done.CompareAndSwap(nil, &c)
	}
	return *k.done.Load()
}

// IsDone reports whether the call is complete.
func (k *Call) IsDone() bool { return k.done.Load() == completed }

// Answer returns the values of the answer after the transaction id, and an error if the call has failed or was refused. Both are nil until
// IsDone returns true.
func (k *Call) Answer() (reply []any, err error) {
	if !k.IsDone() {
		return nil, nil
	}
	if k.answered {
		reply = values(k.object, k.args)
	}
	return reply, k.err
}

func values(object any, args []any) []any { return slices.Concat([]any{object}, args) }

// Result returns the value after the command object.
func (k *Call) Result() (any, error) {
	switch {
	case !k.IsDone():
		return nil, nil
	case k.err != nil || len(k.args) == 0:
		return nil, k.err
	}
	return k.args[0], nil
}

// Wait waits for the answer within ctx and Config.Timeout. The error says why there is no answer.
func (k *Call) Wait(ctx context.Context) error {
	return k.WaitWithin(ctx, 0)
}

// WaitWithin is like Wait, but waits for at most limit instead of Config.Timeout. If limit is 0, Config.Timeout applies; < 0 means no
// limit. If limit passes, the error is a *TimeoutError whose What is Method.
func (k *Call) WaitWithin(ctx context.Context, limit time.Duration) error {
	if k.IsDone() { // succeeds even after the connection has ended
		return nil
	}
	if limit == 0 {
		limit = k.table.timeout
	}
	var err error
	if r := k.table.reader; r != nil {
		err = r.await(ctx, limit, k.Method, nil, k)
	} else {
		err = awaitAnswer(ctx, limit, k)
	}
	if k.IsDone() {
		return nil
	}
	return err
}

// awaitAnswer waits until k is complete, but does not read the connection. It waits for at most limit; <= 0 means no limit.
func awaitAnswer(ctx context.Context, limit time.Duration, k *Call) error {
	w := Waiter{What: k.Method, call: k, ctx: ctx}
	w.expireAfter(limit)
	select {
	case <-k.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("rtmp: %s: %w", k.Method, ctx.Err())
	case <-w.expiry():
		return &TimeoutError{What: k.Method}
	}
}

// Complete completes the call without an answer, unless it is complete or was taken. err may be nil. Complete reports whether it has done
// that. The goroutine that reads the connection may be waiting for this call: see InterruptRead.
func (k *Call) Complete(err error) bool {
	if !k.table.take(k) {
		return false
	}
	k.fail(err)
	return true
}

// Forget unregisters the call, unless it is complete, so that an answer is ignored. It never affects another call, even if that has the same
// transaction id.
func (k *Call) Forget() {
	if k.table != nil {
		k.table.take(k)
	}
}

// fail completes the call, which must have been taken, without an answer.
func (k *Call) fail(err error) {
	k.err = err
	k.complete()
}

// complete ends the waits for the call, whose answer and err must be set.
func (k *Call) complete() {
	if c := k.done.Swap(completed); c != nil {
		close(*c)
	}
	k.runThen()
}

// WhenDone makes the reader call f when the call is complete. f must not block. If the call is already complete, WhenDone itself calls f.
// If WhenDone is called again before that, the new f replaces the old one.
func (k *Call) WhenDone(f func()) {
	k.then.Store(&f)
	if k.IsDone() {
		k.runThen()
	}
}

func (k *Call) runThen() {
	if k.then.Load() == nil { // the usual case
		return
	}
	if f := k.then.Swap(nil); f != nil {
		(*f)()
	}
}

// BeforeResult makes the reader call f with the result, before the call is complete. The Session ends if f returns an error or if the
// result cannot be decoded. BeforeResult must be called before the call is sent.
func (k *Call) BeforeResult(f func(reply []any) error) { k.accept = f }

// calls contains the unanswered calls, by transaction id.
type calls struct {
	reader  *reader             // nil if Config.Passive is set
	timeout time.Duration       // Config.Timeout
	mask    func(string) string // Config.Mask

	mu      sync.Mutex       // guards the fields below
	last    float64          // transaction id
	pending map[uint64]*Call // by key; a map of integers takes half the time of one of floating-point numbers
}

func key(id float64) uint64 { return math.Float64bits(id) }

// NewCall makes a new call and registers it.
func (t *calls) NewCall(method string, id float64) (*Call, error) {
	k := new(Call)
	return k, t.Register(k, method, id)
}

// Register assigns method and a transaction id to k, which must be new and not yet sent. If id is 0, Register uses the next transaction id.
// Any other id does not change the next one, as in librtmp. Register refuses the id of an unanswered call, since the two answers could not
// be told apart.
func (t *calls) Register(k *Call, method string, id float64) error {
	t.mu.Lock()
	err := t.register(k, method, id)
	t.mu.Unlock()
	return err
}

// register is Register. The caller holds t.mu.
func (t *calls) register(k *Call, method string, id float64) error {
	if len(t.pending) >= maxPendingCalls {
		return fmt.Errorf("rtmp: %s: the server has left %d calls without an answer", method, len(t.pending))
	}
	switch {
	case id == 0:
		id = t.next()
	case t.pending[key(id)] != nil:
		return fmt.Errorf("rtmp: %s: transaction id %v belongs to a call that has no answer yet", method, id)
	case id == t.last+1:
		t.last = id
	}
	if t.pending == nil {
		t.pending = make(map[uint64]*Call)
	}
	k.table, k.ID, k.Method, k.Others = t, id, method, len(t.pending) > 0
	t.pending[key(id)] = k
	return nil
}

// PendingCalls returns the number of calls without an answer.
func (t *calls) PendingCalls() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}

// NextID returns the transaction id for a command whose answer does not matter.
func (t *calls) NextID() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next()
}

// next returns the next unused transaction id. The caller holds t.mu.
func (t *calls) next() float64 {
	for t.last++; t.pending[key(t.last)] != nil; {
		t.last++
	}
	return t.last
}

// take removes k, and reports whether it was unanswered.
func (t *calls) take(k *Call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	unanswered := t.pending[key(k.ID)] == k
	if unanswered {
		delete(t.pending, key(k.ID))
	}
	return unanswered
}

// takeAnswered returns the call with this id, which has got an answer: a _result or an _error. It removes the call if that completes it.
func (t *calls) takeAnswered(id float64, refused bool) (k *Call, complete bool) {
	t.mu.Lock()
	k = t.pending[key(id)]
	if complete = k != nil && (refused || !k.NoResult); complete {
		delete(t.pending, key(id))
	}
	t.mu.Unlock()
	return k, complete
}

// end completes every call with the connection's error.
func (t *calls) end(err error) {
	t.mu.Lock()
	pending := t.pending
	t.pending = nil
	t.mu.Unlock()
	for _, k := range pending {
		k.fail(During(k.Method, err))
	}
}

// CallAnswered completes the call that a _result or _error belongs to. found is false if there is no such call. damage is the error of
// decoding the answer, and is ignored if the result itself was decoded. The returned error ends the Session.
func (t *calls) CallAnswered(cmd *message.Command, damage error) (found bool, _ error) {
	refused := cmd.Name == "_error"
	k, complete := t.takeAnswered(cmd.TransactionID, refused)
	if !complete {
		return k != nil, nil
	}
	matters := k.accept != nil
	if damage != nil && !refused && (cmd.Args == nil || len(cmd.Args) == 0 && !matters) { // an answer to connect is valid without a result
		err := UnreadableAnswer(k.Method, damage)
		if k.fail(err); matters {
			return true, err
		}
		return true, nil
	}
	k.object, k.args, k.answered = cmd.Object, cmd.Args, true
	switch {
	case refused:
		k.err = t.Refusal(message.ParseStatus(values(cmd.Object, cmd.Args)))
	case matters:
		if err := k.accept(values(cmd.Object, cmd.Args)); err != nil {
			return true, err
		}
	}
	k.complete()
	return true, nil
}

// UnreadableAnswer returns the error of a call whose answer could not be decoded.
func UnreadableAnswer(method string, damage error) error {
	return &message.ProtocolError{Phase: "command", Detail: "answer to " + method, Err: damage}
}

// Refusal returns a copy of status whose text contains no secrets. Servers often repeat secrets, as in "KEY is being published".
func (t *calls) Refusal(status *message.StatusError) *message.StatusError {
	e := *status
	if t.mask != nil {
		e.Mask(t.mask)
	}
	return &e
}
