package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	// minPoll and maxPoll bound the pause between polls. The pause doubles after each poll that returns no data.
	minPoll = 10 * time.Millisecond
	maxPoll = 500 * time.Millisecond
	// bulk is the minimum size in bytes of an answer that is treated as part of a continuous stream, rather than as a reply.
	bulk = 4 << 10
	// pollCost is the number of bytes that make an answer worth its poll, about a tenth of the size of the HTTP headers. Each poll costs
	// pollCost bytes of credit. Data that requests carry earns credit, up to maxCredit bytes. Without credit, polls become less frequent,
	// as after polls that return no data. A send whose answer contains data also costs pollCost, since the data may cause another send.
	// Calls and their results are worth the cost, but pings and their replies are not. Without credit, the next send waits at least
	// minPoll.
	pollCost  = 64
	maxCredit = 4 << 10
	// pollUnit is how much each unit of the interval byte adds to the minimum pause. For 33, the largest value in use, it adds half a
	// second, as Red5 intends.
	pollUnit = 15 * time.Millisecond
	// tunnelCloseTimeout bounds Close, and tunnelSendTimeout its first part, in which the written bytes are sent. The rest is for the request
	// that closes the session. Both are counted in ticks, so that a busy machine waits longer.
	tunnelCloseTimeout = 250 * time.Millisecond
	tunnelSendTimeout  = 150 * time.Millisecond
	tunnelCloseTick    = 10 * time.Millisecond
	// maxSessionID is the longest session id in bytes; servers use 8 to 32.
	maxSessionID = 128
)

// tunnel is the client's half of an RTMPT session. It makes POST requests, one after the other. The written bytes are in the bodies of the
// requests, and the bytes to read are in the bodies of the answers.
type tunnel struct {
	duplex
	http    *requester
	cancel  context.CancelFunc // ends the request in progress, unless it closes the session; run then closes the session
	abandon context.CancelFunc // ends any request
	done    chan struct{}      // closed when run has returned

	// The fields below are used only by run, or guarded by duplex.mu.
	id       string
	sequence uint64        // number of the next request
	poll     deadline      // when to ask for data
	pause    time.Duration // pause before the next poll
	nextSend deadline      // the earliest time of the next send
	credit   int           // bytes that requests have carried beyond their cost
	eager    bool          // poll as soon as the application has read everything
	quiet    bool          // the last poll returned no data, and nothing has been sent since
	ending   bool          // the last answer announced the end of the session
}

// open begins a session. The error is a *TunnelError.
func (t *tunnel) open(ctx context.Context, ident bool) error {
	if ident {
		// The answer, if any, is the address of a machine to use instead. Only Flash evaluates it.
		err := t.http.post(ctx, "ident2", "/fcs/ident2", nil, func(r io.Reader, _ bool) error {
			io.CopyN(io.Discard, r, 1<<10)
			return nil
		})
		if refused := (*TunnelError)(nil); errors.As(err, &refused) && refused.Status == 0 && refused.Err != nil {
			return err
		}
	}
	return t.http.post(ctx, "open", "/open/1", nil, func(r io.Reader, _ bool) error {
		id, err := io.ReadAll(io.LimitReader(r, maxSessionID+3))
		if err != nil {
			return err
		}
		t.id = strings.Trim(string(id), " \r\n")
		return checkSessionID(t.id)
	})
}

// checkSessionID accepts ids that need no escaping in a path (RFC 3986 section 3.3).
func checkSessionID(id string) error {
	odd := func(r rune) bool {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z' && r < 0x80
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-._~!$&'()*+,;=:@", r)
	}
	switch {
	case len(id) > maxSessionID:
		return errors.New("the answer is too long for a session id")
	case strings.Trim(id, ".\x00") == "":
		return errors.New("the server sent no session id: it may have no free session")
	case strings.ContainsFunc(id, odd):
		return errors.New("the answer is not a session id: not an RTMPT server?")
	}
	return nil
}

// run makes the requests until the session ends. If ctx ends a request, the server must still learn of the end. Otherwise it would keep the
// session for another half a minute or so, and with it the name of a published stream. ending is the context of the request that closes the
// session, whose answer does not matter.
func (t *tunnel) run(ctx, ending context.Context) {
	defer close(t.done)
	for {
		op, body := t.next()
		if op == "close" {
			break
		}
		if err := t.exchange(ctx, op, body); err != nil {
			t.fail(err)
			if ctx.Err() != nil {
				break
			}
			return
		}
		if op == "send" {
			t.release(body)
		}
	}
	t.exchange(ending, "close", nil)
	t.end(io.EOF)
}

// fail ends the tunnel after a request that has failed with err. A server that has ended the session may refuse any request, in a form that
// differs between servers. Such a refusal is an orderly end, unless written bytes have not arrived.
func (t *tunnel) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ending && t.uncarried() == 0 {
		err = io.EOF
	}
	if len(t.out) > 0 {
		t.sequence++ // the number of a request that is not made tells the server that bytes are missing
	}
	t.endLocked(err)
}

// unacknowledged returns the number of written bytes that no successful request has carried yet.
func (t *tunnel) unacknowledged() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.uncarried()
}

// next waits until there is a request to make. body is nil if the request carries no data.
func (t *tunnel) next() (op string, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case len(t.out) > 0 && (t.closed || t.nextSend.passed()):
			return "send", t.take()
		case len(t.out) > 0: // the next send is not due yet
		case t.closed || t.shut && t.quiet:
			return "close", nil
		case (t.poll.passed() || t.eager && t.hungry()) && t.in.len() < roomSize:
			return "idle", nil
		}
		t.changed.Wait()
	}
}

// exchange makes one request, and delivers the data in the answer as it arrives. It does not repeat requests, except as described at
// requester.send, since few servers would recognize the repetition by its number.
func (t *tunnel) exchange(ctx context.Context, op string, body []byte) error {
	path := "/" + op + "/" + t.id + "/" + strconv.FormatUint(t.sequence, 10)
	t.sequence++
	began := time.Now()
	var interval [1]byte
	received := 0
	err := t.http.post(ctx, op, path, body, func(r io.Reader, sized bool) error {
		switch _, err := io.ReadFull(r, interval[:]); {
		case err == io.EOF:
			return errors.New("the answer is empty: it should be a polling interval at least")
		case err != nil:
			return err
		}
		for {
			n, err := t.receive(r, sized)
			received += n
			switch {
			case err == io.EOF:
				return nil
			case err != nil:
				return err
			}
		}
	})
	if err == nil {
		t.mu.Lock()
		t.charge(op, len(body), received, began)
		t.schedule(op, interval[0], received)
		t.mu.Unlock()
	}
	return err
}

// charge accounts for a request, and determines the earliest time of the next send. The caller holds t.mu.
func (t *tunnel) charge(op string, sent, received int, began time.Time) {
	switch {
	case op == "idle":
		t.credit += received - pollCost
	case received > 0:
		t.credit += received + sent - pollCost
	}
	t.credit = min(max(t.credit, -pollCost), maxCredit)
	if op == "send" && received > 0 && t.credit < 0 {
		began = began.Add(minPoll)
	}
	t.nextSend.set(began, t.wake)
}

// schedule sets the time of the next poll after an answer. During a stream, the next poll is due at once. Otherwise there is a pause, since
// the application may be about to write, and the write would have to wait for the answer to the poll. There is also a pause if answers
// contain very little data, so that a server can't make the client poll without end.
func (t *tunnel) schedule(op string, interval byte, received int) {
	t.ending = interval == 0 && received == 0
	t.quiet = op == "idle" && received == 0
	asked := time.Duration(max(interval, 1)-1) * pollUnit
	pays := received > 0 && t.credit >= 0
	t.eager = pays && asked == 0
	switch {
	case received >= bulk:
		t.pause = 0
	case pays || op == "send":
		t.pause = minPoll
	default:
		t.pause = min(max(2*t.pause, minPoll), maxPoll)
	}
	t.poll.set(time.Now().Add(min(max(t.pause, asked), maxPoll)), t.wake)
}

// CloseWrite returns at once. The written bytes are still sent. When the server has no more data, the session is closed and Read returns
// io.EOF.
func (t *tunnel) CloseWrite() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return net.ErrClosed
	}
	t.shut, t.quiet = true, false
	t.changed.Broadcast()
	return nil
}

// Close sends the written bytes and closes the session. It takes at most tunnelCloseTimeout.
func (t *tunnel) Close() error {
	t.leave()
	t.await(tunnelSendTimeout)
	t.cancel()
	t.await(tunnelCloseTimeout - tunnelSendTimeout)
	t.abandon()
	<-t.done
	t.mu.Lock()
	t.poll.stop()
	t.nextSend.stop()
	t.mu.Unlock()
	t.http.close()
	return nil
}

// await waits until run has returned, or for the given time.
func (t *tunnel) await(timeout time.Duration) {
	tick := time.NewTicker(tunnelCloseTick)
	defer tick.Stop()
	for waited := time.Duration(0); waited < timeout; waited += tunnelCloseTick {
		select {
		case <-t.done:
			return
		case <-tick.C:
		}
	}
}
