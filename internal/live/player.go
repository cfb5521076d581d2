package live

import "time"

// Sink is a player's connection. The hub makes one call at a time.
//
// The elements of b hold whole messages, of which one is an element, or two (message streams other than 1). Their bytes are shared
// and never change: they may be kept. b itself is the hub's again after the call.
type Sink interface {
	// TryWrite takes all of b over, or nothing (ok false): what can be sent without waiting is sent, and the rest, which ready false tells of,
	// leaves before anything else does. It must never block. Where there is no such thing, it returns false, false.
	TryWrite(b [][]byte) (ok, ready bool)

	// Write returns when all of b, and any rest before it, has left; b may be nil. It has a time limit of its own. An error ends the
	// player.
	Write(b [][]byte) error
}

// PlayOptions say what a player wants.
type PlayOptions struct {
	StreamID uint32        // of the RTMP messages; 0: 1, whose messages are shared whole
	Await    time.Duration // how long to wait for a publisher; 0: for ever; < 0: not at all
	NoCache  bool          // begin with the next key frame, not with the last
	NoAudio  bool          // as Receive says
	NoVideo  bool

	// Deliver reports whether the player shall get a message; nil: all. It must not wait, nor call the hub.
	Deliver func(m *Message) bool

	// Begun is called when there is a publisher, once, before the first message: with its players that wait as with those that need
	// not. Ended is called when the hub ends the player, once and as the last thing: with nil when the stream has ended and
	// everything has been delivered, ErrNotFound after Await, ErrClosed (Hub.Close and Shutdown), or what Sink.Write returned. It is
	// not called after Player.Close. Both run on a goroutine of the player's, may block (in the Sink, too), and may be nil. Begun must not
	// call Player.Close.
	Begun func()
	Ended func(err error)
}

// Player is an RTMP player of a stream. Its methods may be called from any goroutine.
type Player struct{}

// Receive says whether the player gets sound and pictures: receiveAudio and receiveVideo. With pictures come their headers, and they
// begin with a key frame.
func (p *Player) Receive(audio, video bool) { panic("TODO") }

// Pause stops the messages for the player. When it goes on, it is with the newest key frame, or where it was if there is none since.
func (p *Player) Pause(on bool) { panic("TODO") }

// Stats is the stream's, with what this player has got and missed, since it joined.
func (p *Player) Stats() StreamStats { panic("TODO") }

// Leave ends the player without waiting: no call to the Sink begins any more, but one may still be under way. Ended is not called any
// more, unless it has been already.
func (p *Player) Leave() { panic("TODO") }

// Close is Leave, and waits for the call to the Sink, or to Begun, that is under way.
func (p *Player) Close() { panic("TODO") }
