// Package capturefile writes the files that package capture reads, and removes secrets from them.
// docs/capture-format.md describes the format.
package capturefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

const (
	// flushAfter is the longest time that bytes stay in memory, where a crash would lose them.
	flushAfter = time.Second
	// firstBlock is the initial capacity of a block, in bytes.
	firstBlock = 4 << 10
	// maxQueue is the number of blocks that may wait for a slow writer.
	maxQueue = 4
	// patience is how long a session waits for the writer when the queue is full. Then the recording ends.
	patience = 5 * time.Second
	// maxMissing is the maximum number of missing parts that are described.
	maxMissing = 100
)

// ErrSlow is the error of a recording whose writer was blocked for 5 s.
var ErrSlow = errors.New("capture: the writer is too slow")

// Recorder records a session. Its methods may be called from any goroutine. If the writer fails, or blocks for 5 s, the recording ends, Err
// returns the reason, and the session continues.
type Recorder struct {
	out     io.Writer
	began   time.Time
	role    Role
	session uint64
	failure atomic.Pointer[error]
	blocks  chan pending
	done    chan struct{} // closed after everything has been written

	mu         sync.Mutex // guards the rest
	closed     bool
	redactor   *redactor
	directions [2]direction // indexed by Direction-1
	at         time.Duration
	block      pending
	sequence   uint32
	last       time.Duration // time of the last record in block
	missing    []string
}

type direction struct {
	filter Filter
	scan   *chunk.Scanner // has scanned the bytes that are in blocks
	lost   int            // number of bytes that could not be recorded
}

type pending struct {
	begun   bool
	header  Header
	content []byte
}

// NewRecorder begins the recording of a session. Each block is written to w with one Write. secrets are secrets that the caller knows
// already. If info.Began is zero, the session begins now.
func NewRecorder(w io.Writer, info Info, secrets []string) *Recorder {
	o := optionsOf(w)
	if info.Began.IsZero() {
		info.Began = time.Now()
	}
	r := &Recorder{out: w, began: info.Began, role: info.Role, session: rand.Uint64(), redactor: newRedactor(secrets),
		blocks: make(chan pending, maxQueue), done: make(chan struct{})}
	for i := range r.directions {
		from := Direction(i + 1)
		r.directions[i] = direction{scan: chunk.NewScanner(), filter: Filter{
			Holds:    holds,
			Edit:     func(m *Message) { r.redactor.message(from, m) },
			Overflow: r.redactor.overflow,
			Emit:     func(b []byte) { r.emit(from, b) },
		}}
		if o.zeroMedia {
			r.directions[i].filter.Blanks = isMedia
		}
	}
	r.redactor.media = !o.zeroMedia
	r.append(KindInfo, info.append(nil))
	go r.write()
	return r
}

// Record records bytes that were sent at the time at, or at the time of the previous call if that is later. Times more than 285 years after
// the beginning, as in a damaged packet capture, are recorded as 285 years.
func (r *Recorder) Record(from Direction, at time.Time, b []byte) {
	if len(b) == 0 || from != FromClient && from != FromServer {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.Err() != nil {
		return
	}
	r.at = max(r.at, min(at.Sub(r.began), maxTime*time.Microsecond).Truncate(time.Microsecond))
	w := &r.directions[from-1]
	w.lost += w.filter.Write(b)
	if from == FromClient && w.filter.Err() != nil {
		r.redactor.blind = true
	}
}

// Err returns the error that has ended the recording early, or nil.
func (r *Recorder) Err() error {
	if err := r.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (r *Recorder) fail(err error) { r.failure.CompareAndSwap(nil, &err) }

// Close ends the recording. reason says why the session has ended, and closedBy which end has closed it (0 if unknown). It returns Err.
// Bytes that the writer does not accept within 5 s are lost.
func (r *Recorder) Close(closedBy Direction, reason string) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		r.finish(End{Reason: reason, ClosedBy: closedBy})
		close(r.blocks)
	}
	r.mu.Unlock()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-r.done:
	case <-timeout.C:
		r.fail(ErrSlow)
	}
	return r.Err()
}

// Missing records in End that a part of one end's bytes is missing. what describes the part; after 100 parts, End says "and more". The client's
// bytes may have contained a secret that is now unknown, so from then on all strings that may repeat a secret are replaced completely.
func (r *Recorder) Missing(from Direction, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch n := len(r.missing); {
	case n < maxMissing:
		r.missing = append(r.missing, what)
	case n == maxMissing:
		r.missing = append(r.missing, "and more")
	}
	r.redactor.blind = r.redactor.blind || from == FromClient
}

func (r *Recorder) finish(end End) {
	end.Missing = r.missing
	for i := range r.directions {
		w := &r.directions[i]
		w.filter.Close()
		if err := w.filter.Err(); err != nil {
			end.Missing = append(end.Missing, fmt.Sprintf("%d bytes from the %v that are not a chunk stream (%v)", w.lost, Direction(i+1), err))
		}
	}
	r.redactor.addCounts(&end)
	r.append(KindEnd, end.append(nil))
	r.enqueue()
}

// emit adds bytes to blocks. A block begins between two pieces of the chunk stream, where the scanners have a state that can be saved.
func (r *Recorder) emit(from Direction, b []byte) {
	for len(b) > 0 {
		r.begin() // before scanning, since the block must contain the states before this record
		window, n := b[:min(len(b), maxRecord)], 0
		for n < len(window) {
			_, size, _ := r.directions[from-1].scan.Scan(window[n:])
			if size == 0 {
				break
			}
			n += size
		}
		if n == 0 { // the session ends with an incomplete chunk header
			n = len(window)
		}
		r.append(Kind(from), b[:n])
		if b = b[n:]; len(r.block.content) >= targetBlock {
			r.enqueue()
		}
	}
}

func (r *Recorder) append(kind Kind, data []byte) {
	r.begin()
	b := &r.block
	b.content = append(b.content, byte(kind))
	b.content = binary.AppendUvarint(b.content, uint64((r.at-r.last)/time.Microsecond))
	b.content = binary.AppendUvarint(b.content, uint64(len(data)))
	b.content = append(b.content, data...)
	r.last = r.at
}

func (r *Recorder) begin() {
	if r.block.begun {
		return
	}
	r.block = pending{begun: true, header: Header{Session: r.session, Sequence: r.sequence, First: r.at, Seekable: true},
		content: make([]byte, 0, firstBlock)}
	r.sequence++
	r.last = r.at
	var state []byte
	for i := range r.directions {
		state = r.directions[i].scan.AppendState(state[:0])
		r.block.content = append(binary.AppendUvarint(r.block.content, uint64(len(state))), state...)
	}
	if len(r.block.content) > maxState { // reading can't begin at a block without states
		r.block.header.Seekable, r.block.content = false, r.block.content[:0]
	}
}

// enqueue passes the block to the goroutine that writes blocks.
func (r *Recorder) enqueue() {
	b := r.take()
	if len(b.content) == 0 || r.Err() != nil {
		return
	}
	select {
	case r.blocks <- b:
		return
	default:
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case r.blocks <- b:
	case <-timeout.C:
		r.fail(ErrSlow)
	}
}

func (r *Recorder) take() pending {
	b := r.block
	b.header.Last = r.last
	r.block = pending{}
	return b
}

func (r *Recorder) write() {
	defer close(r.done)
	tick := time.NewTicker(flushAfter)
	defer tick.Stop()
	for {
		select {
		case b, ok := <-r.blocks:
			if !ok {
				return
			}
			r.writeBlock(b)
		case <-tick.C:
			if !r.mu.TryLock() { // the goroutine that holds the lock may be waiting for this one
				continue
			}
			var b pending
			if len(r.blocks) == 0 && !r.closed {
				b = r.take()
			}
			r.mu.Unlock()
			r.writeBlock(b)
		}
	}
}

func (r *Recorder) writeBlock(b pending) {
	if len(b.content) == 0 || r.Err() != nil {
		return
	}
	if _, err := r.out.Write(b.header.Pack(nil, b.content)); err != nil {
		r.fail(fmt.Errorf("capture: %w", err))
	}
}
