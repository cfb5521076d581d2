package transport

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// roomSize is how many bytes wait in each direction before the one that brings more has to wait, too.
	roomSize = 128 << 10
	// stuckSize replaces roomSize for what arrives while the application can't write: it may not read before it has
	// written, and what it writes may not leave before all that arrives has been taken in.
	stuckSize = 4 << 20
)

// duplex is the application's end of a tunnel: a net.Conn, less its Close. What carries the bytes, a loop that makes
// requests or a handler that answers them, uses the methods from deliver on.
type duplex struct {
	local, remote net.Addr

	writing sync.Mutex // held during Write, so that the bytes of two are not mixed

	mu      sync.Mutex
	changed sync.Cond // anything below; its L is &mu
	in      fifo      // arrived, and not read yet
	out     []byte    // written, and not taken yet
	spare   []byte    // out's next memory, nil while it is being carried
	taken   int       // bytes that are being carried
	closed  bool      // by the application
	shut    bool      // by the application, for writing
	readers int       // calls of Read that wait
	over    error     // why nothing is carried any more: io.EOF after an orderly end

	readDue, writeDue deadline
}

func (d *duplex) init(local, remote net.Addr) {
	d.local, d.remote = local, remote
	d.changed.L = &d.mu
}

// Read returns what has arrived, and waits for something if there is nothing.
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

// Write returns when all of p waits to be carried: an error of that comes with a later Write or Read. The n bytes that it
// reports are carried whatever the error.
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

// leave is the application's Close. What it has written can still be taken.
func (d *duplex) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.in = fifo{}
	d.readDue.stop()
	d.writeDue.stop()
	d.changed.Broadcast()
}

// deliver lets the application read p, and waits until it has read enough of what came before. When nobody is to read it
// any more, p is dropped.
func (d *duplex) deliver(p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.closed && d.over == nil && d.in.len() >= roomSize && (len(d.out) < roomSize || d.in.len() >= stuckSize) {
		d.changed.Wait()
	}
	if !d.closed && d.over == nil {
		d.in.write(p)
		d.changed.Broadcast()
	}
}

// hungry tells that the application has read everything and waits for more. The caller holds d.mu.
func (d *duplex) hungry() bool { return d.readers > 0 && d.in.len() == 0 }

// take returns all that waits to be carried. It is the caller's until release. The caller holds d.mu.
func (d *duplex) take() []byte {
	taken := d.out
	d.out, d.spare, d.taken = d.spare, nil, len(taken)
	d.changed.Broadcast()
	return taken
}

// uncarried returns how many bytes were written and have not been carried to the end. The caller holds d.mu.
func (d *duplex) uncarried() int { return len(d.out) + d.taken }

// release gives back what take returned, which was carried.
func (d *duplex) release(taken []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = 0
	if d.spare == nil {
		d.spare = taken[:0]
	}
}

// end is for when nothing will be carried any more. The first reason stays.
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

// fifo is a queue of bytes.
type fifo struct {
	b   []byte
	off int // what is before it has been read
}

func (f *fifo) len() int { return len(f.b) - f.off }

func (f *fifo) read(p []byte) int {
	n := copy(p, f.b[f.off:])
	if f.off += n; f.off == len(f.b) {
		f.b, f.off = f.b[:0], 0
		if cap(f.b) > 2*roomSize { // grown while stuck
			f.b = nil
		}
	}
	return n
}

func (f *fifo) write(p []byte) {
	if f.off > 0 && len(f.b)+len(p) > cap(f.b) {
		f.b, f.off = f.b[:copy(f.b, f.b[f.off:])], 0
	}
	f.b = append(f.b, p...)
}

// deadline is a time after which a wait is given up. The lock of the duplex that it belongs to guards it.
type deadline struct {
	at    time.Time // with a monotonic reading; zero: never
	timer *time.Timer
}

// set calls wake when t has come, without the lock.
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
