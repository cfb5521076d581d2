package live

import (
	"slices"
	"sync"
)

// batch is a group of messages for one player, with the positions of the player's cursor before and after them.
type batch struct {
	before, after cursor
	streamID      uint32
	flv           bool
	loaded        bool // the batch is valid for every player whose cursor equals before

	messages []*Message
	out      [][]byte
	bytes    int // number of bytes in the bodies
	progress progress
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// load fills b with the next messages for p, unless b already contains them. If p.deliver is set, the caller must commit the batch, since
// deliver may be called only once for each message. The caller holds p.mu.
func (b *batch) load(p *Player) {
	if b.loaded && b.before == p.cursor && b.streamID == p.streamID && b.flv == p.flv {
		b.join()
		return
	}
	b.clear()
	b.before, b.after = p.cursor, p.cursor
	b.streamID, b.flv, b.loaded = p.streamID, p.flv, true
	b.messages, b.progress, _ = p.stream.take(&b.after, b.messages)
	if p.deliver != nil {
		b.messages = slices.DeleteFunc(b.messages, func(m *Message) bool { return !p.deliver(m) })
	}
	for _, m := range b.messages {
		if p.flv {
			b.out = m.AppendFLV(b.out)
		} else {
			b.out = m.AppendRTMP(b.out, p.streamID)
		}
		b.bytes += m.size
	}
}

// join joins the slices that were sent to the first player. Writing one slice is cheaper, and the other players are sent the same bytes.
func (b *batch) join() {
	if len(b.out) > 1 {
		all := slices.Concat(b.out...)
		clear(b.out)
		b.out = append(b.out[:0], all)
	}
}

// commit moves p's cursor to the end of b. The caller holds p.mu.
func (b *batch) commit(p *Player) {
	p.cursor = b.after
	p.position.Store(b.after.next)
	p.count(b.bytes, b.progress)
}

// clear releases the messages.
func (b *batch) clear() {
	clear(b.messages)
	clear(b.out)
	*b = batch{messages: b.messages[:0], out: b.out[:0]}
}
