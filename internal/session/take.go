package session

import "github.com/go-librtmp/rtmp/message"

// TakeBuffered offers w's Taker the messages that have already been read, until the Taker declines one or has enough. For small messages,
// it costs much less than Read. It does nothing if another goroutine reads or waits to read, or if messages must be dispatched. The caller
// holds the lock of the Taker, and calls Read if TakeBuffered has not brought what w waits for. TakeBuffered takes no lock and never waits.
//
// If the Taker has no room for all messages, w keeps the token until the next call, or until another goroutine wants to read. For small
// messages, taking the token and giving it back in each call would cost a quarter of the time, and counting each message a tenth.
func (r *reader) TakeBuffered(w *Waiter) {
	kept := r.lessee.Load() == w
	if r.config.Tap != nil || r.life.ending.Load() || w.stops(r.full.Load()) || r.token.awaited() {
		if kept {
			r.endLease()
		}
		return
	}
	if !kept && !r.token.take() {
		return
	}
	verdict := Declined
	if ok, err := r.nextBuffered(); ok && err == nil { // the error is final, so Read returns it
		verdict, _ = r.offer(w.Taker)
		r.kept = r.kept || verdict == Declined // Read dispatches it
	}
	switch {
	case verdict != Last || r.in.Buffered() == 0:
		r.endLease()
	case !kept:
		if r.lessee.Store(w); r.token.awaited() { // since a goroutine that now waits may have called Recall before
			r.endLease()
		}
	}
}

// endLease gives back the token at the end of TakeBuffered, or later. The caller holds the lock of the Taker.
func (r *reader) endLease() {
	r.lessee.Store(nil)
	r.countTaken()
	r.releaseBuffer()
	r.token.give()
}

// countTaken adds the messages that a Taker has taken to the counters.
func (r *reader) countTaken() {
	if r.taken > 0 {
		r.config.Counters.Messages.Add(r.taken)
		r.taken = 0
	}
}

// Recall gives back the token of a Waiter that keeps it between calls of TakeBuffered, if there is one. The messages that its Taker has taken
// are counted then.
func (r *reader) Recall() {
	w := r.lessee.Load()
	if w == nil {
		return
	}
	w.Taker.Lock()
	defer w.Taker.Unlock()
	if r.lessee.Load() == w {
		r.endLease()
	}
}

// takeBuffered offers t the message in r.msg and the following ones, like offer. If t has declined one, that message is in r.message and must
// be dispatched.
func (r *reader) takeBuffered(t Taker) (declined, ready bool, err error) {
	t.Lock()
	defer t.Unlock()
	verdict, err := r.offer(t)
	r.countTaken()
	return verdict == Declined, t.Enough() || r.kept, err
}

// offer offers t the message in r.msg and the following ones that have already been read, until t declines a message or has enough. It
// returns t's last verdict. The caller holds the lock of t.
func (r *reader) offer(t Taker) (verdict Verdict, err error) {
	m := &r.message
	for ok := true; ok && err == nil; ok, err = r.in.NextBuffered(&r.msg) {
		m.receive(&r.msg)
		verdict = Declined
		if m.Type == message.TypeVideo || m.Type == message.TypeAudio {
			verdict = t.Take(m)
		}
		if r.kept = verdict == Later; r.kept || verdict == Declined {
			break
		}
		if r.taken++; verdict == Last {
			break
		}
	}
	return verdict, err
}
