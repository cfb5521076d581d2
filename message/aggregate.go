package message

import "iter"

// SubMessage is one message of an aggregate.
type SubMessage struct {
	Type      Type
	Timestamp uint32 // milliseconds, adjusted to the aggregate's time
	Body      []byte // part of the aggregate's body
}

const subHeaderSize, previousTagSizeLen = 11, 4

// Aggregate returns an iterator over the messages of an aggregate body (section 7.1.6), which are laid out like FLV tags:
//
//	+------+--------+-----------+---------+-----------+ - - - - +-------------------+
//	| type | size24 | timestamp | ts 31.. | stream 24 |  body   | previous tag size |
//	+------+--------+-----------+---------+-----------+ - - - - +-------------------+
//
// Timestamps are shifted so that the first message has the aggregate's own timestamp. Previous tag sizes are ignored, and the
// last one may be missing. A message that does not fit, or an aggregate inside an aggregate, ends the iteration with an *Error
// as the second value.
func Aggregate(timestamp uint32, body []byte) iter.Seq2[SubMessage, error] {
	return func(yield func(SubMessage, error) bool) {
		var offset uint32
		for first := true; len(body) > 0; first = false {
			if len(body) < subHeaderSize {
				yield(SubMessage{}, &Error{Type: TypeAggregate, Detail: "ends inside a header, bytes left", Value: len(body)})
				return
			}
			size := int(body[1])<<16 | int(body[2])<<8 | int(body[3])
			m := SubMessage{Type: Type(body[0] & 0x1F),
				Timestamp: uint32(body[7])<<24 | uint32(body[4])<<16 | uint32(body[5])<<8 | uint32(body[6])}
			if m.Type == TypeAggregate {
				yield(m, &Error{Type: TypeAggregate, Detail: "nested in an aggregate"})
				return
			}
			if size > len(body)-subHeaderSize {
				yield(m, &Error{Type: TypeAggregate, Detail: "message longer than the remaining body", Value: size})
				return
			}
			if first {
				offset = timestamp - m.Timestamp
			}
			m.Timestamp += offset
			end := subHeaderSize + size
			m.Body = body[subHeaderSize:end:end]
			if !yield(m, nil) {
				return
			}
			body = body[min(len(body), end+previousTagSizeLen):]
		}
	}
}
