package rtmp

import (
	"bytes"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// segment is what a server has sent at once after it had received a certain number of bytes.
type segment struct {
	after int
	data  []byte
}

// tapeConn records the bytes that a server sends, and how many bytes it had received before.
type tapeConn struct {
	net.Conn
	mu   *sync.Mutex
	sent *int
	tape *[]segment
}

func (c tapeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	*c.sent += n
	c.mu.Unlock()
	return n, err
}

func (c tapeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		t := *c.tape
		if len(t) > 0 && t[len(t)-1].after == *c.sent {
			t[len(t)-1].data = append(t[len(t)-1].data, b[:n]...)
		} else {
			*c.tape = append(t, segment{*c.sent, bytes.Clone(b[:n])})
		}
	}
	return n, err
}

// serveTape sends each segment after the client has sent as many bytes as in the recording.
func serveTape(nc net.Conn, tape []segment, reset bool) {
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	var got atomic.Int64
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		buf := make([]byte, 4096)
		for {
			n, err := nc.Read(buf)
			got.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	for _, s := range tape {
		for wait := 0; got.Load() < int64(s.after) && wait < 20; wait++ {
			select {
			case <-gone:
				return
			case <-time.After(500 * time.Microsecond):
			}
		}
		if _, err := nc.Write(s.data); err != nil {
			return
		}
	}
	if reset {
		nc.(*net.TCPConn).SetLinger(0)
		return
	}
	<-gone
}

func mutate(r *rand.Rand, tape []segment) []segment {
	out := make([]segment, len(tape))
	for i, s := range tape {
		out[i] = segment{s.after, bytes.Clone(s.data)}
	}
	for range 1 + r.IntN(4) {
		// The handshake has many bytes but few segments. So that it is not damaged too often, choose a segment first, and then a byte in it.
		i := r.IntN(len(out))
		b := out[i].data
		if len(b) == 0 {
			continue
		}
		at := r.IntN(len(b))
		if r.IntN(2) == 0 && len(b) > 40 {
			at = r.IntN(40)
		}
		switch r.IntN(9) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			b[at] = [...]byte{0, 0xff, 0x7f, 0x80, 1, 2, 3, 0xc0, 0x40}[r.IntN(9)]
		case 3: // damage a length or a number
			for k := at; k < min(at+3, len(b)); k++ {
				b[k] = [...]byte{0, 0xff, byte(r.Uint32())}[r.IntN(3)]
			}
		case 4: // cut bytes out
			end := min(len(b), at+1+r.IntN(50))
			b = append(b[:at:at], b[end:]...)
		case 5: // repeat bytes
			end := min(len(b), at+1+r.IntN(300))
			b = slices.Concat(b[:end], b[at:])
		case 6: // insert bytes
			x := make([]byte, 1+r.IntN(20))
			for k := range x {
				x[k] = byte(r.Uint32())
			}
			b = slices.Concat(b[:at], x, b[at:])
		case 7: // cut the end off
			b = b[:at]
			out = out[:i+1]
		case 8: // swap segments
			j := r.IntN(len(out))
			out[i].data, out[j].data = out[j].data, out[i].data
			continue
		}
		out[i].data = b
	}
	return out
}
