package live

import (
	"bytes"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
)

// maxHeaderBytes bounds the bodies of the headers that a stream keeps for players that join. A header that exceeds it
// is relayed but not kept.
const maxHeaderBytes = 1 << 20

// headerSet is the set of headers that are valid at a message of a stream, in the form of flv.Headers. All messages up to the next header
// share one set. A set does not change after the first of these messages has been added to the log.
type headerSet struct {
	tags    []flv.Tag
	changed uint64 // sequence number of the header that changed the set last
}

// has reports whether the set has a tag that t would replace. A nil set is empty.
func (s *headerSet) has(t flv.Tag) bool {
	return s != nil && slices.ContainsFunc(s.tags, func(known flv.Tag) bool {
		return known.Type == t.Type && bytes.Equal(known.Body, t.Body)
	})
}

// without returns the set without the tags of a type.
func (s *headerSet) without(t flv.TagType) *headerSet {
	if s == nil {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(s.tags), func(known flv.Tag) bool { return known.Type == t })
	return &headerSet{rest, s.changed}
}

// size returns the number of bytes in the bodies of the headers.
func (s *headerSet) size() (n int) {
	if s != nil {
		for _, t := range s.tags {
			n += len(t.Body)
		}
	}
	return n
}

// cost returns the memory of the set in addition to the bodies, in bytes.
func (s *headerSet) cost() int { return 64 + 48*len(s.tags) }

// headerEncoder encodes the headers that are repeated for players. It caches the last result, since
// many players need the same headers.
type headerEncoder struct {
	chunkSize int
	set       *headerSet
	time      int64
	messages  []*Message
}

// encode returns the headers as messages. All have the given time, in milliseconds, so that timestamps never
// decrease for a player.
func (e *headerEncoder) encode(set *headerSet, time int64) []*Message {
	if e.set == set && e.time == time {
		return e.messages
	}
	e.set, e.time, e.messages = set, time, nil // a new slice, since the previous one may still be in use
	for _, t := range set.tags {
		if m, err := encode(t, time, e.chunkSize, nil); err == nil { // this can't fail, since the header was encoded when it arrived
			m.kind = flv.KindHeader
			e.messages = append(e.messages, m)
		}
	}
	return e.messages
}
