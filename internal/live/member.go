package live

import (
	"sync"
	"sync/atomic"
	"time"
)

// member is a Player or a Subscriber.
type member interface {
	common() *reader
	// visit gives a Player what is new, and wakes a Subscriber. It is called by the pusher.
	visit(r *round)
	// cut ends the member with an error, without giving it what it has not got yet.
	cut(err error)
}

// reader is what members have in common.
type reader struct {
	stream  *stream
	since   time.Time
	deliver func(*Message) bool
	await   *alarm // set before the member is known to anybody

	pusher *pusher // nil: not on the stream; guarded by stream.mu
	place  int     // in pusher.members; likewise

	position               atomic.Uint64 // of the cursor, for those who don't hold mu; the largest number: it needs nothing
	bytes, missed, resyncs atomic.Uint64

	mu     sync.Mutex // guards what follows
	cursor cursor
	paused bool
	left   bool // nothing is given any more
	err    error
}

func (r *reader) common() *reader { return r }

// count records what a cursor has done.
func (r *reader) count(bytes int, p progress) {
	s := r.stream
	r.bytes.Add(uint64(bytes))
	s.bytesOut.Add(uint64(bytes))
	if p.resyncs > 0 || p.missed > 0 {
		r.missed.Add(p.missed)
		r.resyncs.Add(p.resyncs)
		s.missed.Add(p.missed)
		s.resyncs.Add(p.resyncs)
	}
}

// Receive says whether sound and pictures are wanted: receiveAudio and receiveVideo. With pictures come their headers, and they
// begin with a key frame.
func (r *reader) Receive(audio, video bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursor.receive(audio, video)
}

// Stats is the stream's, with what this one has got and missed, since it joined.
func (r *reader) Stats() StreamStats {
	r.stream.mu.Lock()
	st := r.stream.stats(r.stream.newest)
	r.stream.mu.Unlock()
	st.Since = r.since
	st.BytesOut, st.Missed, st.Resyncs = r.bytes.Load(), r.missed.Load(), r.resyncs.Load()
	return st
}
