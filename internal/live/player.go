package live

import (
	"math"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// Sink is a player's connection. The hub makes one call at a time.
//
// b consists of whole messages, each of one element, or of two on message streams other than 1. The bytes are shared and never change,
// so they may be kept; b itself belongs to the hub after the call, and only Write may change it. TryWrite must not call methods of the Player.
type Sink interface {
	// TryWrite takes over all of b (ok is true) or nothing. It sends what it can without blocking. ready is false if a rest is left,
	// which must be sent before anything else. A connection that does not support this returns false, false.
	TryWrite(b [][]byte) (ok, ready bool)

	// Write sends the rest, if there is one, and b, which may be nil, and returns when all is sent. It has its own time limit. An
	// error ends the player.
	Write(b [][]byte) error
}

// PlayOptions describe a player.
type PlayOptions struct {
	StreamID uint32        // message stream id; 0 means 1, for which no message is copied
	Await    time.Duration // how long to wait for a publisher; 0 means forever, < 0 not at all
	NoCache  bool          // begin with the next key frame, not with the last one; audio waits for it for at most 10 s
	NoAudio  bool          // see Receive
	NoVideo  bool
	Aside    bool // for Subscribe: it is not counted as a player, and a stream without a publisher does not stay for it

	// Deliver reports whether the player gets a message. Nil means that it gets all. It is called once for each message, in order. It must
	// not wait or call the hub. With Deliver, the hub calls Sink.Write only.
	Deliver func(m *Message) bool

	// Begun is called once, before the first message, when there is a publisher. Ended is called once, as the last call, when the hub
	// ends the player: with nil after everything has been delivered, with ErrNotFound after Await, with ErrClosed (Hub.Close and
	// Shutdown), or with the error of Sink.Write; not after Player.Leave or Close. Both are called on a goroutine of the player, and may
	// block, even in the Sink. Both may be nil. Begun must not call Player.Close.
	Begun func()
	Ended func(err error)
}

// Player is an RTMP player of a stream. Its methods may be called from any goroutine.
type Player struct {
	sink     Sink
	streamID uint32
	flv      bool // it gets FLV, not chunks
	begun    bool // onBegun has been called, or is about to; guarded by mu
	busy     bool // serve is running, and is the only writer; guarded by mu
	reader

	onBegun func()
	onEnded func(err error)
	done    chan struct{} // closed when no call of the sink is running, and none will follow
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
	p.stream.hub.running.Add(1) // safe, since the pusher is running while it may visit
	go p.serve()
}

// visit writes new messages until the sink would block. It leaves everything that may block to the player's
// goroutine: the rest that the sink has not taken, the first batch, which may be large, and the end.
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
		if p.deliver != nil { // deliver is asked only once for each message, and the result holds for this player alone
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

// run writes until the player has everything. Then the pusher serves it again, or it ends.
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

// begin calls onBegun once the stream has begun.
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

// next loads the next batch. The first one may be empty, since the sink may have buffered data. It reports false if
// the player has received everything so far, or has ended.
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
	p.stream.hub.gone(p)
}

// cut ends the player before it has received everything. After a publisher has begun, ErrNotFound has no effect.
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

// Pause stops the messages for the player, or lets them continue: with the newest key frame, or where they stopped if there has been
// no key frame since.
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
		p.position.Store(math.MaxUint64) // the log need not keep anything for this player
		return
	}
	p.cursor.resume(&s.log)
	p.position.Store(p.cursor.next)
	if p.pusher != nil {
		session.Signal(p.pusher.urgent)
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
		p.stream.hub.gone(p)
	}
}

// Close is like Leave, but waits for a call of the Sink or of Begun that is in progress.
func (p *Player) Close() {
	p.Leave()
	<-p.done
}
