package transport

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// roomSize is how many bytes may be queued in each direction before the side that adds bytes must wait.
	roomSize = 128 << 10
	// stuckSize replaces roomSize for received bytes while the application is blocked in Write. It prevents a deadlock: the application may
	// read only after its write is complete, and its bytes may be sent only after all received bytes have been queued.
	stuckSize = 4 << 20
	// fewBytes is how many bytes a read must return before the next one gets a whole block.
	fewBytes = 1 << 10
)

// duplex is the application's end of a tunnel: a net.Conn without Close. The other end is a loop that makes requests, or a handler that
// answers them. It uses the methods from receive on.
type duplex struct {
	local, remote net.Addr

	writing sync.Mutex // held during Write, so that concurrent writes are not interleaved

	mu      sync.Mutex
	changed sync.Cond // signals changes of the fields below; its L is &mu
	in      fifo      // received but not yet read
	out     []byte    // written but not yet taken
	spare   []byte    // memory that out uses next; nil while its bytes are being carried
	taken   int       // bytes that are being carried
	closed  bool      // closed by the application
	shut    bool      // closed by the application for writing
	readers int       // number of calls of Read that are waiting
	over    error     // the reason why no more bytes are carried; io.EOF after an orderly end
	lost    int       // number of received bytes that the application has not read or used before it closed its end

	readDue, writeDue deadline

	few   [fewBytes]byte // owned by receive
	brisk bool           // the last bytes that receive has returned were at least fewBytes; owned by receive
}

func (d *duplex) init(local, remote net.Addr) {
	d.local, d.remote = local, remote
	d.changed.L = &d.mu
}

// Read returns bytes that have been received, and waits if there are none.
func (d *duplex) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		switch {
		case d.closed:
			return 0, net.ErrClosed
		case d.readDue.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case d.in.len() > 0:
			n := d.in.read(p)
			d.changed.Broadcast()
			return n, nil
		case d.over != nil:
			return 0, d.over
		}
		if d.readers++; d.readers == 1 {
			d.changed.Broadcast()
		}
		d.changed.Wait()
		d.readers--
	}
}

// Write returns when all of p has been queued. It reports n bytes, which will be carried even if Write returns an error. If the bytes can't
// be carried, a later Write or Read returns the error.
func (d *duplex) Write(p []byte) (n int, err error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		switch {
		case d.closed || d.shut:
			return n, net.ErrClosed
		case d.over == io.EOF:
			return n, io.ErrClosedPipe
		case d.over != nil:
			return n, d.over
		case d.writeDue.passed():
			return n, os.ErrDeadlineExceeded
		case n == len(p):
			return n, nil
		case len(d.out) < roomSize:
			m := min(len(p)-n, roomSize-len(d.out))
			d.out = append(d.out, p[n:n+m]...)
			n += m
			d.changed.Broadcast()
			if n == len(p) {
				return n, nil
			}
		default:
			d.changed.Wait()
		}
	}
}

func (d *duplex) LocalAddr() net.Addr  { return d.local }
func (d *duplex) RemoteAddr() net.Addr { return d.remote }

func (d *duplex) SetDeadline(t time.Time) error {
	d.SetReadDeadline(t)
	return d.SetWriteDeadline(t)
}

func (d *duplex) SetReadDeadline(t time.Time) error  { return d.setDeadline(&d.readDue, t) }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.setDeadline(&d.writeDue, t) }

func (d *duplex) setDeadline(due *deadline, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	due.set(t, d.wake)
	d.changed.Broadcast()
	return nil
}

func (d *duplex) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed.Broadcast()
}

// leave is called when the application closes its end. The bytes that the application has written can still be taken.
func (d *duplex) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.lost += d.in.len()
	d.in.drop()
	d.readDue.stop()
	d.writeDue.stop()
	d.changed.Broadcast()
}

// silent reports whether the application has closed its end and never written anything.
func (d *duplex) silent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed && d.out == nil && d.spare == nil && d.taken == 0
}

// receive reads from r, and queues the bytes for the application after it has read enough of the earlier ones. After the application has
// closed its end, receive drops the bytes. If the peer sends only a few bytes at a time, receive returns after each read, and holds no block
// while it waits. sized says that the length of r was announced; see block.fill.
func (d *duplex) receive(r io.Reader, sized bool) (n int, err error) {
	var b *block
	if d.brisk {
		b = blocks.Get().(*block)
		n, err = b.fill(r, sized)
	} else if n, err = r.Read(d.few[:]); n > 0 {
		b = blocks.Get().(*block)
		b.from, b.to = 0, copy(b.memory[:], d.few[:n])
	}
	switch {
	case n > 0:
		d.brisk = n >= fewBytes
		d.deliver(b)
	case b != nil:
		blocks.Put(b)
	}
	return n, err
}

func (d *duplex) deliver(b *block) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.closed && d.over == nil && d.in.len() >= roomSize && (len(d.out) < roomSize || d.in.len() >= stuckSize) {
		d.changed.Wait()
	}
	if d.closed || d.over != nil {
		d.lost += b.to - b.from
		blocks.Put(b)
		return
	}
	d.in.add(b)
	d.changed.Broadcast()
}

// hungry reports whether the application has read everything and is waiting for more. The caller holds d.mu.
func (d *duplex) hungry() bool { return d.readers > 0 && d.in.len() == 0 }

// take returns all written bytes that are not being carried yet. They are valid until release. The caller holds d.mu.
func (d *duplex) take() []byte {
	taken := d.out
	d.out, d.spare, d.taken = d.spare, nil, len(taken)
	d.changed.Broadcast()
	return taken
}

// uncarried returns the number of written bytes that have not been carried completely. The caller holds d.mu.
func (d *duplex) uncarried() int { return len(d.out) + d.taken }

// release releases the memory of taken, a result of take, after the bytes have been carried.
func (d *duplex) release(taken []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = 0
	if d.spare == nil {
		d.spare = taken[:0]
	}
}

// end records that no more bytes will be carried, and why. If end is called again, it keeps the first reason.
func (d *duplex) end(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endLocked(why)
}

// endLocked is end for a caller that holds d.mu.
func (d *duplex) endLocked(why error) {
	if d.over == nil {
		d.over = why
		d.changed.Broadcast()
	}
}

// deadline is a time at which a wait ends. It is guarded by the lock of its duplex.
type deadline struct {
	at    time.Time // has a monotonic clock reading; zero means never
	timer *time.Timer
}

// set sets the deadline to t. At that time it calls wake, without holding the lock.
func (d *deadline) set(t time.Time, wake func()) {
	d.stop()
	if d.at = t; t.IsZero() {
		return
	}
	left := time.Until(t)
	d.at = time.Now().Add(left)
	switch {
	case left <= 0:
	case d.timer == nil:
		d.timer = time.AfterFunc(left, wake)
	default:
		d.timer.Reset(left)
	}
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
