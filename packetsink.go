package rtmp

import "github.com/go-librtmp/rtmp/internal/session"

// minSpare and maxSpare are the sizes of the smallest and the largest memory that spare gives away, in bytes. For less, it is not worth the
// time. More is seldom needed for live streams, and would fill the processor's cache if several streams exchanged it.
const (
	minSpare = 4 << 10
	maxSpare = 256 << 10
)

// packetSink is the sink of ReadPacket. It accepts one message.
//
// If each stream of a process kept the memory of its longest message, that would be most of the memory of the process, and seldom in the
// processor's cache. So while ReadPacket waits, it gives away the memory of p.Body, but only if the previous call has allocated that memory,
// and the program has passed it again.
type packetSink struct {
	p     *Packet // the caller's packet
	taken bool

	lent   []byte  // the memory that ReadPacket has allocated for p.Body; nil if it has allocated none or given it away
	again  bool    // the program has passed the last such memory again
	pooled *[]byte // the pointer that the pool uses; nil if there is none yet
}

func (k *packetSink) full() bool { return k.taken }
func (k *packetSink) has() bool  { return k.taken }

func (k *packetSink) fits(*session.Message) bool { return true }

func (k *packetSink) place(size int) []byte {
	if k.taken {
		return nil
	}
	if k.borrow(size); size > cap(k.p.Body) {
		return nil
	}
	return k.p.Body[:size]
}

func (k *packetSink) take(m *session.Message) (full bool) {
	size := m.Size()
	if k.borrow(size); size > cap(k.p.Body) {
		k.p.Body = make([]byte, size)
		k.lent = k.p.Body
	}
	m.CopyPacket(k.p)
	k.taken = true
	return true
}

// borrow gets other memory from the pool if that of p.Body is too small for size bytes. The other memory may be too small as well.
func (k *packetSink) borrow(size int) {
	if size > cap(k.p.Body) && k.again {
		k.pooled = spares.Get().(*[]byte)
		k.p.Body = *k.pooled
		k.lent = k.p.Body
	}
}

func (k *packetSink) spare() {
	if cap(k.lent) == 0 {
		return
	}
	body := k.p.Body
	if k.again = cap(body) == cap(k.lent) && &body[:1][0] == &k.lent[:1][0]; !k.again {
		k.lent = nil
		return
	}
	if cap(body) < minSpare || cap(body) > maxSpare {
		return
	}
	if k.pooled == nil {
		k.pooled = new([]byte)
	}
	*k.pooled = body[:0]
	spares.Put(k.pooled)
	k.p.Body, k.lent, k.pooled = nil, nil, nil
}
