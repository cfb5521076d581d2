package live

import (
	"sync"
	"sync/atomic"
	"time"
)

// member is a Player or a Subscriber.
type member interface {
	common() *reader
	// visit gives new messages to a Player, and wakes a Subscriber. It is called by the pusher.
	visit(r *round)
	// cut ends the member with an error, without giving it the messages that remain.
	cut(err error)
}

// reader is the common part of members. The fields used for every message come first.
type reader struct {
	mu     sync.Mutex // guards what follows
	cursor cursor
	paused bool
	left   bool  // the member gets nothing more
	err    error // the error with which the member ends or has ended

	position atomic.Uint64 // the cursor's, for readers without mu; math.MaxUint64: the log need not keep anything
	traffic  traffic

	// Set before the member is shared.
	stream   *stream
	recorder bool // is not counted, does not keep the stream alive, and gets what remains when the stream is cut off
	deliver  func(*Message) bool
	since    time.Time
	await    *alarm

	pusher *pusher // nil: not on the stream; guarded by stream.mu
	place  int     // index in pusher.members; likewise
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

// count records the cursor's progress.
func (r *reader) count(bytes int, p progress) {
	r.traffic.bytes.Add(uint64(bytes))
	if p.resyncs > 0 || p.missed > 0 {
		r.traffic.missed.Add(p.missed)
		r.traffic.resyncs.Add(p.resyncs)
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
	defer r.stream.mu.Unlock()
	st := r.stream.stats(r.stream.newest, &r.traffic)
	st.Since = r.since
	return st
}
