package capturefile

import (
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// maxHeld is the maximum number of bytes of a direction that are held until a message to be edited is complete. A longer message is
// replaced by zeros.
const maxHeld = 1 << 20

// Message is a message that passes through a Filter.
type Message struct {
	chunk.Piece        // the properties of the message, with nil slices
	Body        []byte // may be changed in place
}

// Filter edits messages in place in a chunk stream. It keeps all sizes and all chunk headers, even those inside of an edited message. Only
// one goroutine at a time may use it.
type Filter struct {
	// Edit is called with every complete message whose type Holds selects.
	Edit func(m *Message)
	// Holds reports whether messages of type t must be edited. Nil means all.
	Holds func(t message.Type) bool
	// Blanks reports whether the bodies of messages of type t must be replaced by zeros. Nil means none.
	Blanks func(t message.Type) bool
	// Emit is called with the filtered bytes, in whole pieces of the chunk stream. b is valid only during the call.
	Emit func(b []byte)
	// Overflow, if not nil, is called for each message that was replaced by zeros because it was too long to be held.
	Overflow func()

	scan       *chunk.Scanner
	held       []byte // bytes that have not been emitted yet
	parsed     int    // bytes of held that have been scanned
	unfinished map[uint32]*underWay
	body       []byte // buffer for the body of a message with several pieces
	err        error
}

type underWay struct {
	spans []span // positions of its body in held
	blank bool   // replace the rest by zeros
}

type span struct{ from, to int }

// Err returns the error that makes the rest of the chunk stream unreadable, or nil.
func (f *Filter) Err() error { return f.err }

// Write filters the next bytes of the chunk stream. It returns the number of bytes that it has dropped, which it does only after an error.
func (f *Filter) Write(b []byte) (lost int) {
	if f.scan == nil {
		f.scan, f.unfinished = chunk.NewScanner(), make(map[uint32]*underWay)
	}
	if f.err != nil {
		return len(b)
	}
	f.held = append(f.held, b...)
	for f.err == nil {
		p, n, err := f.scan.Scan(f.held[f.parsed:])
		if f.err = err; n == 0 {
			break
		}
		at := f.parsed
		f.parsed += n
		f.piece(&p, span{at, f.parsed})
	}
	if f.parsed > maxHeld {
		f.overflow()
	}
	if f.err == nil {
		f.pass()
		return 0
	}
	f.blankAll() // no message will be completed
	f.pass()
	lost = len(f.held)
	f.held, f.unfinished = nil, nil
	return lost
}

func (f *Filter) piece(p *chunk.Piece, at span) {
	t := message.Type(p.Type)
	if p.Dropped != 0 {
		f.drop(p.Dropped)
	}
	switch {
	case f.Blanks != nil && f.Blanks(t):
		if p.Payload != nil {
			clear(f.held[at.from:at.to])
		}
		return
	case f.Holds != nil && !f.Holds(t):
		return
	}
	m := f.unfinished[p.ChunkStreamID]
	if p.First {
		m = new(underWay)
		f.unfinished[p.ChunkStreamID] = m
	}
	if p.Payload != nil {
		if m.blank {
			clear(f.held[at.from:at.to])
		}
		if last := len(m.spans) - 1; last >= 0 && m.spans[last].to == at.from {
			m.spans[last].to = at.to
		} else {
			m.spans = append(m.spans, at)
		}
	}
	if !p.Last {
		return
	}
	delete(f.unfinished, p.ChunkStreamID)
	if !m.blank {
		f.edit(p, m.spans)
	}
}

func (f *Filter) edit(p *chunk.Piece, spans []span) {
	m := Message{Piece: *p}
	m.Header, m.Payload = nil, nil
	if len(spans) == 1 {
		m.Body = f.held[spans[0].from:spans[0].to]
		f.Edit(&m)
		return
	}
	f.body = f.body[:0]
	for _, s := range spans {
		f.body = append(f.body, f.held[s.from:s.to]...)
	}
	m.Body = f.body
	f.Edit(&m)
	body := f.body
	for _, s := range spans {
		body = body[copy(f.held[s.from:s.to], body):]
	}
}

// drop replaces the body of a message that will not be completed by zeros, since an incomplete message cannot be edited.
func (f *Filter) drop(chunkStream uint32) {
	if m := f.unfinished[chunkStream]; m != nil {
		f.blank(m)
		delete(f.unfinished, chunkStream)
	}
}

func (f *Filter) blank(m *underWay) {
	for _, s := range m.spans {
		clear(f.held[s.from:s.to])
	}
	m.blank, m.spans = true, nil
}

// overflow replaces all unfinished messages by zeros, so that the messages after them need not be held any longer.
func (f *Filter) overflow() {
	for _, m := range f.unfinished {
		if !m.blank && f.Overflow != nil {
			f.Overflow()
		}
	}
	f.blankAll()
}

func (f *Filter) blankAll() {
	for _, m := range f.unfinished {
		f.blank(m)
	}
}

func (f *Filter) pass() {
	for _, m := range f.unfinished {
		if !m.blank {
			return
		}
		m.spans = nil
	}
	if f.parsed > 0 {
		f.Emit(f.held[:f.parsed])
		rest := f.held[f.parsed:]
		if cap(f.held) > maxHeld {
			f.held = nil
		}
		f.held, f.parsed = append(f.held[:0], rest...), 0
	}
}

// Close emits the remaining bytes. It replaces unfinished messages by zeros.
func (f *Filter) Close() {
	f.blankAll()
	f.pass()
	if len(f.held) > 0 { // the beginning of a chunk header
		f.Emit(f.held)
		f.held = nil
	}
}
