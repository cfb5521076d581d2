package live

import (
	"sync"
	"sync/atomic"
	"time"
)

// member is a Player or a Subscriber.
type member interface {
	common() *reader
	// push sends new messages to a Player, or wakes a Subscriber. The pusher calls it.
	push(r *round)
	// cut ends the member with an error, without delivering the remaining messages.
	cut(err error)
}

// reader contains what Player and Subscriber have in common. The fields that are used for every message come first.
type reader struct {
	mu     sync.Mutex // guards the fields below
	cursor cursor
	paused bool
	left   bool  // the member receives no more messages
	err    error // the error with which the member has ended or is about to end

	position atomic.Uint64 // the cursor's position, which may be read without mu; math.MaxUint64 if the log keeps no messages for the member
	traffic  traffic

	// The fields below are set before other goroutines use the member.
	stream  *stream
	aside   bool // a recorder, or PlayOptions.Aside: it is not counted, does not keep the stream alive, and still gets the remaining messages after cut
	deliver func(*Message) bool
	since   time.Time
	await   *alarm

	pusher *pusher // nil if the member is not on the stream; guarded by stream.mu
	index  int     // index in pusher.members; guarded by stream.mu
}

// traffic counts what a member has received. It may be read at any time, and is written by one goroutine at a time.
type traffic struct{ bytes, missed, resyncs atomic.Uint64 }

// add adds o to t.
func (t *traffic) add(o *traffic) {
	t.bytes.Add(o.bytes.Load())
	t.missed.Add(o.missed.Load())
	t.resyncs.Add(o.resyncs.Load())
}

func (t *traffic) clear() {
	t.bytes.Store(0)
	t.missed.Store(0)
	t.resyncs.Store(0)
}

func (r *reader) common() *reader { return r }

// count adds the cursor's progress to the counters.
func (r *reader) count(bytes int, p progress) {
	r.traffic.bytes.Add(uint64(bytes))
	if p.resyncs > 0 || p.missed > 0 {
		r.traffic.missed.Add(p.missed)
		r.traffic.resyncs.Add(p.resyncs)
	}
}

// Receive sets whether the member wants audio and video (receiveAudio and receiveVideo). When video is turned on again, it begins with the
// headers and a key frame.
func (r *reader) Receive(audio, video bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursor.receive(audio, video)
}

// Stats returns the stream's counters, with the messages that this member has received and missed since it joined.
func (r *reader) Stats() StreamStats {
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	st := r.stream.stats(r.stream.newest, &r.traffic)
	st.Since = r.since
	return st
}
