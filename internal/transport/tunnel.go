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
	// minPoll and maxPoll bound the pause between polls for data when there was none, which doubles from poll to poll.
	minPoll = 10 * time.Millisecond
	maxPoll = 500 * time.Millisecond
	// bulk is the size of an answer, in bytes, that tells a stream, which goes on, from a reply.
	bulk = 4 << 10
	// pollCost is how many bytes an answer has to bring for its poll to pay: about a tenth of what the HTTP around it takes.
	// Polls are paid for in advance by maxCredit bytes at most. Without credit they become rarer, like those that bring nothing.
	// A send that brings something, which may call for the next one, has to carry as much altogether: calls and their answers do,
	// pings and the replies to them don't. Without credit the next one leaves minPoll after it at the earliest.
	pollCost  = 64
	maxCredit = 4 << 10
	// pollUnit is what one more in the interval byte adds to the least pause. The highest value in use, 33, then means half
	// a second, which is what Red5 has in mind.
	pollUnit = 15 * time.Millisecond
	// tunnelCloseTimeout bounds Close, which carries what was written and takes leave of the server.
	tunnelCloseTimeout = 250 * time.Millisecond
	// maxSessionID is the longest session id in bytes; servers use 8 to 32.
	maxSessionID = 128
)

// nothing is the body of requests that carry nothing: some servers refuse empty ones.
var nothing = []byte{0}

// tunnel is the client's half of an RTMPT session: POST requests, one after the other, whose bodies carry what is written
// and whose answers bring what is read.
type tunnel struct {
	duplex
	http   *requester
	cancel context.CancelFunc // ends the request under way
	done   chan struct{}      // closed when run has returned

	// Of run, or guarded by duplex.mu:
	id       string
	sequence uint64        // of the next request
	poll     deadline      // when to ask for data
	pause    time.Duration // before that
	turn     deadline      // when the next send may leave
	credit   int           // bytes that requests have carried beyond what they cost
	eager    bool          // ask as soon as the application has read everything
	quiet    bool          // the latest poll brought nothing, and nothing was sent since
	ending   bool          // the latest answer said that the session is about to end
	scratch  []byte
}

// open begins a session. The error is a *TunnelError.
func (t *tunnel) open(ctx context.Context, ident bool) error {
	if ident {
		// What the server says, if anything, is the address of the machine to go on with. Only Flash cares.
		err := t.http.post(ctx, "ident2", "/fcs/ident2", nothing, func(r io.Reader) error {
			io.CopyN(io.Discard, r, 1<<10)
			return nil
		})
		if refused := (*TunnelError)(nil); errors.As(err, &refused) && refused.Status == 0 && refused.Err != nil {
			return err
		}
	}
	return t.http.post(ctx, "open", "/open/1", nothing, func(r io.Reader) error {
		id, err := io.ReadAll(io.LimitReader(r, maxSessionID+3))
		if err != nil {
			return err
		}
		t.id = strings.Trim(string(id), " \r\n")
		return checkSessionID(t.id)
	})
}

// checkSessionID accepts what stands for itself in a path (RFC 3986 section 3.3).
func checkSessionID(id string) error {
	odd := func(r rune) bool {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z' && r < 0x80
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-._~!$&'()*+,;=:@", r)
	}
	switch {
	case len(id) > maxSessionID:
		return errors.New("the answer is too long for a session id")
	case strings.Trim(id, ".\x00") == "":
		return errors.New("the server gave no session id: it may have no session left")
	case strings.ContainsFunc(id, odd):
		return errors.New("the answer is no session id: not an RTMPT server?")
	}
	return nil
}

// run makes the requests until the session ends.
func (t *tunnel) run(ctx context.Context) {
	defer close(t.done)
	for {
		op, body := t.next()
		err := t.exchange(ctx, op, body)
		if op == "close" || err != nil {
			t.finish(op, err)
			return
		}
		if op == "send" {
			t.release(body)
		}
	}
}

// finish ends the tunnel after a request that was its last, because of err if there is one. How servers refuse the farewell, or
// a session of the past, varies: that is an orderly end, but not where something that was written has not arrived.
func (t *tunnel) finish(op string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if op == "close" || t.ending && t.uncarried() == 0 {
		err = io.EOF
	}
	t.endLocked(err)
}

// unacknowledged returns how many of the bytes that were written no request has carried yet that was answered with success.
func (t *tunnel) unacknowledged() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.uncarried()
}

// next waits until there is a request to make.
func (t *tunnel) next() (op string, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case len(t.out) > 0 && (t.closed || t.turn.passed()):
			return "send", t.take()
		case len(t.out) > 0: // not yet
		case t.closed || t.shut && t.quiet:
			return "close", nothing
		case (t.poll.passed() || t.eager && t.hungry()) && t.in.len() < roomSize:
			return "idle", nothing
		}
		t.changed.Wait()
	}
}

// exchange makes one request and delivers what its answer brings, as it comes in. A request is not repeated, since
// few servers would notice by its number that they have served it, but for the case that tunnelHeader names.
func (t *tunnel) exchange(ctx context.Context, op string, body []byte) error {
	path := "/" + op + "/" + t.id + "/" + strconv.FormatUint(t.sequence, 10)
	t.sequence++
	began := time.Now()
	received, interval := -1, byte(0) // the first byte is no data
	err := t.http.post(ctx, op, path, body, func(r io.Reader) error {
		for {
			n, err := r.Read(t.scratch)
			b := t.scratch[:n]
			if n > 0 && received < 0 {
				interval, b = b[0], b[1:]
				received = 0
			}
			if len(b) > 0 {
				received += len(b)
				t.deliver(b)
			}
			switch {
			case err == io.EOF && received < 0:
				return errors.New("the answer is empty: it should be a polling interval at least")
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
		t.schedule(op, interval, received)
		t.mu.Unlock()
	}
	return err
}

// charge books what a request has carried, and says when the next send may leave. The caller holds t.mu.
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
	t.turn.set(began, t.wake)
}

// schedule says when to poll, after an answer: at once in a stream; otherwise the application may be about to write, which
// would have to wait for the poll's answer. A server whose answers hold next to nothing can't make it poll without a pause.
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

// CloseWrite returns at once. What was written is still sent; when the server has nothing more to say to that, the session
// is closed, and Read returns io.EOF.
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

// Close takes tunnelCloseTimeout at most. In that time it sends what was written and closes the session.
func (t *tunnel) Close() error {
	t.leave()
	timer := time.AfterFunc(tunnelCloseTimeout, t.cancel)
	<-t.done
	timer.Stop()
	t.cancel()
	t.mu.Lock()
	t.poll.stop()
	t.turn.stop()
	t.mu.Unlock()
	t.http.close()
	return nil
}
