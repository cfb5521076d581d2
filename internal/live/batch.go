package live

import (
	"slices"
	"sync"
)

// batch is what is given to a player at once, and where its cursor is before and after.
type batch struct {
	before, after cursor
	streamID      uint32
	loaded        bool // so this is for every player whose cursor is at before

	messages []*Message
	out      [][]byte
	bytes    int // of the bodies
	progress progress
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// load makes b what comes next for p, unless it is that already. What a player's deliver has been asked about has to be committed. The
// caller holds p.mu.
func (b *batch) load(p *Player) {
	if b.loaded && b.before == p.cursor && b.streamID == p.streamID {
		return
	}
	b.clear()
	b.before, b.after = p.cursor, p.cursor
	b.streamID, b.loaded = p.streamID, true
	b.messages, b.progress, _ = p.stream.take(&b.after, b.messages)
	if p.deliver != nil {
		b.messages = slices.DeleteFunc(b.messages, func(m *Message) bool { return !p.deliver(m) })
	}
	for _, m := range b.messages {
		b.out = m.AppendRTMP(b.out, p.streamID)
		b.bytes += m.size
	}
}

// commit moves p to the end of b. The caller holds p.mu.
func (b *batch) commit(p *Player) {
	p.cursor = b.after
	p.position.Store(b.after.next)
	p.count(b.bytes, b.progress)
}

// clear lets go of the messages.
func (b *batch) clear() {
	clear(b.messages)
	clear(b.out)
	*b = batch{messages: b.messages[:0], out: b.out[:0]}
}
