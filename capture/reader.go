package capture

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

const maxUnfinished = 64 << 20

// Reader reads the messages of a session in the order in which they were completed. It keeps one block of the file and the incomplete
// messages in memory. Only one goroutine at a time may use it.
type Reader struct {
	raw        *RawReader
	part       Raw // bytes that have not been parsed yet
	directions [2]assembler
	since      time.Duration // messages that were completed before this time are skipped
}

type assembler struct {
	scan       *chunk.Scanner
	unfinished map[uint32]*unfinished // indexed by chunk stream id
	held       int                    // number of bytes in unfinished
	tail       []byte                 // an incomplete chunk header
	begun      int                    // number of messages that have begun
	piece      chunk.Piece            // the piece that was scanned last
	dead       bool                   // the rest can't be parsed as a chunk stream
}

type unfinished struct {
	ordinal int // number of the message in its direction, in the order of the first bytes, from 1
	began   time.Duration
	chunks  int
	wire    int
	body    []byte
	piece   chunk.Piece
}

// Reader returns a Reader at the beginning of the session. Several Readers may be used at the same time.
func (s *Session) Reader() *Reader {
	r := &Reader{raw: s.Raw()}
	r.begin([2]*chunk.Scanner{chunk.NewScanner(), chunk.NewScanner()})
	return r
}

func (r *Reader) begin(scanners [2]*chunk.Scanner) {
	for i, s := range scanners {
		r.directions[i] = assembler{scan: s, unfinished: make(map[uint32]*unfinished)}
	}
}

// Next reads the next message into m and reuses m.Body. The error is io.EOF at the end of the session, or io.ErrUnexpectedEOF if the
// recording has no end; see [Session.End]. After a *DamageError, which reports a missing or invalid part of the capture, the next call
// continues after that part. Messages that are partly missing are skipped.
func (r *Reader) Next(m *Message) error {
	for {
		for len(r.part.Data) > 0 {
			if got, err := r.directions[r.part.From-1].next(&r.part, m); err != nil {
				return err
			} else if got && m.At >= r.since {
				return nil
			}
		}
		if err := r.raw.Next(&r.part); err != nil {
			r.part = Raw{}
			return err
		}
		if s := r.raw.resumed; s != nil {
			r.raw.resumed = nil
			r.begin(*s)
		}
		if way := &r.directions[r.part.From-1]; len(way.tail) > 0 {
			r.part.Data = append(way.tail, r.part.Data...)
			way.tail = nil
		}
	}
}

// Seek moves to the first message that was completed at t or later. It starts reading at the beginning of a block, and skips messages
// that were incomplete there.
func (r *Reader) Seek(t time.Duration) {
	r.raw.seek(t)
	r.part, r.since = Raw{}, t
}

// Tolerated returns the numbers of protocol violations in one direction that have not prevented reading.
func (r *Reader) Tolerated(from Direction) chunk.Tolerated {
	return r.directions[from-1].scan.Tolerated()
}

// next parses the next piece of part. got reports whether the piece completes a message.
func (a *assembler) next(part *Raw, m *Message) (got bool, err error) {
	if a.dead {
		part.Data = nil
		return false, nil
	}
	p, n, err := a.scan.Scan(part.Data)
	a.piece = p
	if n == 0 && err == nil {
		a.tail, part.Data = append([]byte{}, part.Data...), nil
		return false, nil
	}
	part.Data = part.Data[n:]
	if err != nil {
		a.dead = true
		return false, &DamageError{Detail: fmt.Sprintf("the bytes from the %v at %v are not a chunk stream", part.From, part.At), Err: err}
	}
	if p.Dropped != 0 && p.First {
		dropped := a.unfinished[p.Dropped]
		a.remove(p.Dropped)
		if dropped != nil && !p.Last { // a message without a body is complete with its header, so the caller gets it instead
			dropped.fill(m, part)
			m.Dropped = true
			a.add(&p, part.At)
			return true, nil
		}
	}
	u := a.add(&p, part.At)
	if a.held > maxUnfinished {
		a.remove(p.ChunkStreamID)
		return false, &DamageError{Detail: "too many unfinished messages", Err: errTooLong}
	}
	if p.Dropped != 0 && !p.First {
		a.remove(p.Dropped) // the caller gets the Abort message instead of the dropped one
	}
	if !p.Last || u == nil {
		return false, nil
	}
	a.remove(p.ChunkStreamID)
	u.fill(m, part)
	return true, nil
}

var errTooLong = errors.New("more than 64 MiB")

// add adds a piece to its message, which it returns. It returns nil if the beginning of the message is missing.
func (a *assembler) add(p *chunk.Piece, at time.Duration) *unfinished {
	u := a.unfinished[p.ChunkStreamID]
	if p.First {
		a.begun++
		u = &unfinished{ordinal: a.begun, began: at, piece: *p}
		a.unfinished[p.ChunkStreamID] = u
	}
	if u == nil {
		return nil
	}
	u.wire += len(p.Header) + len(p.Payload)
	if p.Header != nil {
		u.chunks++
	}
	u.body = append(u.body, p.Payload...)
	a.held += len(p.Payload)
	return u
}

func (a *assembler) remove(chunkStream uint32) {
	if u := a.unfinished[chunkStream]; u != nil {
		a.held -= len(u.body)
		delete(a.unfinished, chunkStream)
	}
}

func (u *unfinished) fill(m *Message, part *Raw) {
	p := &u.piece
	*m = Message{Packet: message.Packet{Type: message.Type(p.Type), Format: p.Format, ChunkStreamID: p.ChunkStreamID,
		Timestamp: p.Timestamp, StreamID: p.StreamID, Absolute: true, Body: append(m.Body[:0], u.body...)},
		From: part.From, Began: u.began, At: part.At, Chunks: u.chunks, Wire: u.wire, ordinal: u.ordinal}
}
