package live

import (
	"bytes"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
)

// maxHeaderBytes bounds the bodies that a publisher can make its stream keep for those who join. What does not fit passes as data.
const maxHeaderBytes = 1 << 20

// headerSet is what is in force at some message of a stream: what flv.Headers had kept. It is shared by all messages until the next
// header, and does not change once the first of them is in the log.
type headerSet struct {
	tags    []flv.Tag
	changed uint64 // sequence number of the header that made the set
}

// has reports whether a tag like t is in the set. A nil set has none.
func (s *headerSet) has(t flv.Tag) bool {
	return s != nil && slices.ContainsFunc(s.tags, func(known flv.Tag) bool {
		return known.Type == t.Type && bytes.Equal(known.Body, t.Body)
	})
}

// without is the set without the tags of a type.
func (s *headerSet) without(t flv.TagType) *headerSet {
	if s == nil {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(s.tags), func(known flv.Tag) bool { return known.Type == t })
	return &headerSet{rest, s.changed}
}

// size is the number of bytes in the bodies.
func (s *headerSet) size() (n int) {
	if s != nil {
		for _, t := range s.tags {
			n += len(t.Body)
		}
	}
	return n
}

// cost is the memory that the set takes beside the bodies, in bytes.
func (s *headerSet) cost() int { return 64 + 48*len(s.tags) }

// headerEncoder makes messages of headers that are given again, and keeps the newest for others who want the same.
type headerEncoder struct {
	encoder
	set      *headerSet
	time     int64
	messages []*Message
}

// encode returns the headers as messages of a time, so that for nobody the time runs back.
func (e *headerEncoder) encode(set *headerSet, time int64) []*Message {
	if e.set == set && e.time == time {
		return e.messages
	}
	e.set, e.time, e.messages = set, time, nil // those of before may be in use
	for _, t := range set.tags {
		if m, err := e.encoder.encode(t, time); err == nil { // as it was when they came
			m.kind = flv.KindHeader
			e.messages = append(e.messages, m)
		}
	}
	return e.messages
}
