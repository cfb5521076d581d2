package live

import (
	"math"
	"time"
)

// Sink is a player's connection. The hub makes one call at a time.
//
// The elements of b hold whole messages, of which one is an element, or two (message streams other than 1). Their bytes are shared
// and never change: they may be kept. b itself is the hub's again after the call. TryWrite must not call methods of the Player.
type Sink interface {
	// TryWrite takes all of b over, or nothing (ok is false). It sends what it can without waiting; ready is false if something is left,
	// which leaves before anything else does. It must never block. Where there is no such thing, it returns false, false.
	TryWrite(b [][]byte) (ok, ready bool)

	// Write returns when all of b, and any rest before it, has left; b may be nil. It has a time limit of its own. An error ends the
	// player.
	Write(b [][]byte) error
}

// PlayOptions say what a player wants.
type PlayOptions struct {
	StreamID uint32        // of the RTMP messages; 0: 1, whose messages are shared whole
	Await    time.Duration // how long to wait for a publisher; 0: for ever; < 0: not at all
	NoCache  bool          // begin with the next key frame, not with the last. Sound does not wait for one longer than 10 s
	NoAudio  bool          // as Receive says
	NoVideo  bool

	// Deliver reports whether the player shall get a message; nil: all. It is asked once for each, in order, must not wait, nor call the
	// hub. Such a player has only Sink.Write called.
	Deliver func(m *Message) bool

	// Begun is called when there is a publisher, once, before the first message: for players that wait as for those that need
	// not. Ended is called when the hub ends the player, once and as the last thing: with nil when the stream has ended and
	// everything has been delivered, ErrNotFound after Await, ErrClosed (Hub.Close and Shutdown), or what Sink.Write returned. Who calls
	// Player.Leave or Close first is not told. Both run on a goroutine of the player's, may block (in the Sink, too), and may be nil. Begun
	// must not call Player.Close.
	Begun func()
	Ended func(err error)
}

// Player is an RTMP player of a stream. Its methods may be called from any goroutine.
type Player struct {
	sink     Sink
	streamID uint32
	begun    bool // onBegun has been called, or is about to; guarded by mu
	busy     bool // serve runs, and is the only one to write; likewise
	reader

	onBegun func()
	onEnded func(err error)
	done    chan struct{} // closed when no call to the sink is under way, and none will be
	serve   func()        // run, made once so that starting it allocates nothing
}

func newPlayer(sink Sink, o PlayOptions) *Player {
	p := &Player{sink: sink, streamID: o.StreamID, onBegun: o.Begun, onEnded: o.Ended, done: make(chan struct{})}
	if p.streamID == 0 {
		p.streamID = sharedStreamID
	}
	p.deliver = o.Deliver
	p.serve = func() {
		defer p.stream.hub.running.Done()
		p.run()
	}
	return p
}

// start gives the player its goroutine. The caller holds p.mu.
func (p *Player) start() {
	p.busy = true
	p.stream.hub.running.Add(1) // the pusher's is there as long as it may visit
	go p.serve()
}

// visit writes what is new as far as the sink takes it without waiting. What may wait is left to the player's goroutine: the rest, the
// beginning, when a player gets much at once, and the end.
func (p *Player) visit(r *round) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.busy && !p.left {
		if r.ended || r.published && !p.begun {
			p.start()
			return
		}
		if !r.published || p.paused {
			return
		}
		if p.deliver != nil { // which is asked once, and what passes is for this player alone
			if p.cursor.next < r.end {
				p.start()
			}
			return
		}
		b := &r.batch
		b.load(p)
		ok, ready := true, true
		if len(b.messages) > 0 {
			ok, ready = p.sink.TryWrite(b.out)
		}
		if ok {
			b.commit(p)
		}
		if !ok || !ready {
			p.start()
		} else if !b.progress.more {
			return
		}
	}
}

// run writes until the player has got everything, and leaves it to the pusher again; or ends it.
func (p *Player) run() {
	p.begin()
	b := batches.Get().(*batch)
	defer func() {
		b.clear()
		batches.Put(b)
	}()
	for flushed := false; p.next(b, flushed); flushed = true {
		if err := p.sink.Write(b.out); err != nil {
			p.finish(err)
			return
		}
	}
}

// begin calls onBegun if it is time for that.
func (p *Player) begin() {
	published, _, _ := p.stream.state()
	p.mu.Lock()
	tell := published && !p.begun && !p.left && p.err == nil
	p.begun = p.begun || published
	p.mu.Unlock()
	if tell && p.onBegun != nil {
		p.onBegun()
	}
}

// next loads what has to be written next; the first time also nothing, since the sink may have a rest. It reports false if that is
// all for now, or for ever.
func (p *Player) next(b *batch, flushed bool) bool {
	_, ended, reason := p.stream.state()
	p.mu.Lock()
	over := p.left || p.err != nil
	for !over {
		b.clear()
		if !p.paused {
			b.load(p)
			b.commit(p)
		}
		if len(b.messages) > 0 || !flushed {
			p.mu.Unlock()
			return true
		}
		if b.progress.more {
			continue
		}
		if over = ended; !over {
			p.busy = false
			p.mu.Unlock()
			return false
		}
	}
	if p.err != nil {
		reason = p.err
	}
	p.mu.Unlock()
	p.finish(reason)
	return false
}

// finish ends the player, on its goroutine.
func (p *Player) finish(err error) {
	p.mu.Lock()
	tell := !p.left
	p.left = true
	p.mu.Unlock()
	if tell {
		p.stream.remove(p)
	}
	close(p.done)
	if tell && p.onEnded != nil {
		p.onEnded(err)
	}
	p.stream.hub.gone(p)
}

// cut ends the player before it has got everything. To say that there is no publisher comes too late when there has been one.
func (p *Player) cut(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left || p.err != nil || err == ErrNotFound && p.begun {
		return
	}
	if p.err = err; !p.busy {
		p.start()
	}
}

// Pause stops the messages for the player. When it goes on, it is with the newest key frame, or where it was if there is none since.
func (p *Player) Pause(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left || on == p.paused {
		return
	}
	p.paused = on
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if on {
		p.position.Store(math.MaxUint64) // the log has to keep nothing for it
		return
	}
	p.cursor.resume(&s.log)
	p.position.Store(p.cursor.next)
	if p.pusher != nil {
		signal(p.pusher.urgent)
	}
}

// Leave ends the player without waiting: no call to the Sink begins any more, but one may still be under way.
func (p *Player) Leave() {
	p.mu.Lock()
	left, busy := p.left, p.busy
	p.left = true
	p.mu.Unlock()
	if left {
		return
	}
	p.stream.remove(p)
	if !busy {
		close(p.done)
		p.stream.hub.gone(p)
	}
}

// Close is Leave, and waits for the call to the Sink, or to Begun, that is under way.
func (p *Player) Close() {
	p.Leave()
	<-p.done
}
