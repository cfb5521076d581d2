package live

import (
	"math"
	"time"
)

// Sink is a player's connection. The hub makes only one call at a time.
//
// b consists of whole messages, in any number of slices. The bytes are shared with other players and never change, so a Sink may keep them.
// A Sink must not keep b itself, and only Write may change b. TryWrite must not call methods of the Player.
type Sink interface {
	// TryWrite accepts either all of b or nothing; ok reports which. It sends as many bytes as it can without blocking, and keeps the
	// remaining ones for the next Write. ready reports that no bytes remain. A connection that does not support TryWrite returns false,
	// false.
	TryWrite(b [][]byte) (ok, ready bool)

	// Write sends the bytes that TryWrite has kept, and then b, which may be nil. It returns when everything has been sent, and must limit
	// the time that it blocks. An error ends the player.
	Write(b [][]byte) error
}

// PlayOptions describe a player.
type PlayOptions struct {
	StreamID uint32        // message stream id; 0 means 1, the id for which messages need no separate header
	Await    time.Duration // how long to wait for a publisher; 0 means forever, < 0 not at all
	NoCache  bool          // begin with the next key frame, not with the last one; audio also waits for that key frame, for at most 10 s
	NoAudio  bool          // see Receive
	NoVideo  bool
	Aside    bool // for Subscribe: do not count as a player, and do not keep a stream without a publisher alive

	// Deliver reports whether the player gets a message. If it is nil, the player gets all messages. It is called once for each message,
	// in order, and must not block or call the hub. If it is set, the hub calls only Sink.Write, not TryWrite.
	Deliver func(m *Message) bool

	// Begun is called once, when there is a publisher, before the first message. Ended is called once, after all other calls, when the hub
	// ends the player. Its argument is nil or ErrCut if everything has been delivered, ErrNotFound if no publisher has come within the Await
	// time, ErrClosed if the hub is closed or shut down, or the error of Sink.Write. Ended is not called after Player.Leave or Player.Close. Both
	// functions are called on a goroutine of the player, and may block and write to the connection. Both may be nil. Begun must not call
	// Player.Close.
	Begun func()
	Ended func(err error)
}

// Player is an RTMP player of a stream. Its methods may be called from any goroutine.
type Player struct {
	sink     Sink
	streamID uint32
	flv      bool // the player gets FLV, not chunks
	begun    bool // onBegun has been called, or is about to be called; guarded by mu
	busy     bool // run is running and is the only writer; guarded by mu
	reader

	onBegun func()
	onEnded func(err error)
	done    chan struct{} // closed after the last call of the sink
	serve   func()        // run, bound once so that starting it does not allocate
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

// start starts the player's goroutine. The caller holds p.mu.
func (p *Player) start() {
	p.busy = true
	p.stream.hub.running.Add(1) // the counter is not zero, since the pusher, which calls push, is counted in running
	go p.serve()
}

// push writes new messages until the sink would block. The player's goroutine does everything that may block. It sends the bytes that the
// sink could not send and the first batch, which may be large, and it ends the player.
func (p *Player) push(r *round) {
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
		if p.deliver != nil { // deliver may be called only once for each message, and its result applies only to this player
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

// run writes until the player has received all messages or has ended. After that, the pusher writes for the player again.
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

// begin calls onBegun, once, if the stream has had a publisher.
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

// next loads the next batch. flushed is false if the sink may still have bytes to send, in which case the batch may be empty. next returns
// false if the player has received all messages, or has ended.
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

// finish ends the player, on the player's goroutine.
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
	p.stream.hub.removeMember(p)
}

// cut ends the player before it has received everything. If err is ErrNotFound and the stream has had a publisher, cut does nothing.
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

// Pause stops sending messages to the player, or resumes. A player resumes at the newest key frame since the beginning of the pause. If
// there is none, it resumes with the message at which it was paused.
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
		p.position.Store(math.MaxUint64) // the log keeps nothing for this player
		return
	}
	p.cursor.resume(&s.log)
	p.position.Store(p.cursor.next)
	if p.pusher != nil {
		p.pusher.pushNow(p)
	}
}

// Leave ends the player without waiting. No further call of the Sink begins, but one may still be in progress.
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
		p.stream.hub.removeMember(p)
	}
}

// Close is like Leave, but waits for a call of the Sink or of Begun that is in progress.
func (p *Player) Close() {
	p.Leave()
	<-p.done
}
